// Fetches this page again when the board says that there is something new, and replaces the figures; scroll place, focus
// and opened notes stay. Without that word it asks every so often, and says since when the figures stand still.
"use strict";

const CHANGES = "/live/changes";
const TICK_MS = 2000;
const ASK_WITHOUT_STREAM_MS = 10000;
const ASK_ANYWAY_MS = 60000;
const OPEN_AGAIN_MS = 15000;
const SILENT_MS = 45000;
const MOST_DELAY_MS = 500;
const live = document.getElementById("main");
const connection = document.getElementById("connection");
let stream = null;
let opened = -Infinity;
let heard = -Infinity;
let state = null;
let asking = false;
let wanted = false;
let asked = performance.now();
let last = new Date();
let paused = false;
let shown = null;

function say(words) {
  if (connection.textContent !== words) connection.textContent = words;
  connection.hidden = words === "";
}

function places() {
  return [...live.querySelectorAll(".scroll")].map((box) => [box.id, box.scrollLeft]);
}

function replace(fresh) {
  const focused = document.activeElement && live.contains(document.activeElement) ? document.activeElement : null;
  const address = focused && (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href"));
  const summary = focused && focused.tagName === "SUMMARY" ? focused.parentElement.id : "";
  const open = [...live.querySelectorAll("details[open]")].map((note) => note.id);
  const scrolled = places();
  const top = window.scrollY;
  live.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, left] of scrolled) {
    const box = document.getElementById(id);
    if (box) box.scrollLeft = left;
  }
  if (summary) {
    document.getElementById(summary)?.querySelector("summary").focus({ preventScroll: true });
  } else if (address) {
    const again = focused.id
      ? live.querySelector(address)
      : [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === address);
    again?.focus({ preventScroll: true });
  }
  window.scrollTo({ top, behavior: "instant" });
}

async function refresh() {
  if (paused || document.hidden) return;
  if (asking) {
    wanted = true;
    return;
  }
  asking = true;
  asked = performance.now();
  try {
    const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const text = await answer.text();
    if (text !== shown && !paused) {
      replace(new DOMParser().parseFromString(text, "text/html").getElementById("main"));
      shown = text;
    }
    last = new Date();
    if (!paused) say("");
  } catch {
    if (!paused) say(`Not connected. These figures have been standing still since ${last.toLocaleTimeString()}.`);
  }
  asking = false;
  if (wanted) {
    wanted = false;
    refresh();
  }
}

function close() {
  stream?.close();
  stream = null;
}

function open() {
  opened = heard = performance.now();
  stream = new EventSource(CHANGES);
  stream.addEventListener("here", () => { heard = performance.now(); });
  stream.addEventListener("changed", (event) => {
    heard = performance.now();
    if (event.data === state) return;
    state = event.data;
    // Not all viewers at the same moment.
    setTimeout(refresh, Math.random() * MOST_DELAY_MS);
  });
}

function tick() {
  const now = performance.now();
  // A browser keeps few connections to one place: a page that nobody sees takes none.
  if (paused || document.hidden) {
    close();
    return;
  }
  if (stream && (stream.readyState === EventSource.CLOSED || now - heard > SILENT_MS)) close();
  if (!stream && now - opened > OPEN_AGAIN_MS) open();
  const told = stream && stream.readyState === EventSource.OPEN && connection.hidden;
  if (now - asked > (told ? ASK_ANYWAY_MS : ASK_WITHOUT_STREAM_MS)) refresh();
}

function wake() {
  opened = asked = -Infinity;
  tick();
}

const button = document.createElement("button");
button.type = "button";
button.textContent = "Pause updates";
button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Resume updates" : "Pause updates";
  say(paused ? `Updates are paused since ${new Date().toLocaleTimeString()}.` : "");
  if (paused) tick();
  else wake();
});
document.querySelector("footer").append(button);
window.addEventListener("online", wake);
window.addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
document.addEventListener("visibilitychange", () => { if (document.hidden) tick(); else wake(); });
open();
setInterval(tick, TICK_MS);
