// Fetches this page again every two seconds and replaces the figures; scroll place, focus and opened notes stay.
// When the page cannot be fetched it says since when the figures have been standing still.
"use strict";

const EVERY_MS = 2000;
const live = document.getElementById("main");
const connection = document.getElementById("connection");
let last = new Date();
let paused = false;
let shown = null;

function say(words) {
  connection.textContent = words;
  connection.hidden = words === "";
}

function places() {
  return [...live.querySelectorAll(".scroll")].map((box) => [box.id, box.scrollLeft]);
}

function replace(fresh) {
  const focused = document.activeElement && live.contains(document.activeElement) ? document.activeElement : null;
  const address = focused && (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href"));
  const open = [...live.querySelectorAll("details[open]")].map((note) => note.id);
  const scrolled = places();
  const top = window.scrollY;
  live.replaceChildren(...fresh.childNodes);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const [id, left] of scrolled) {
    const box = document.getElementById(id);
    if (box) box.scrollLeft = left;
  }
  if (address) {
    const again = address.startsWith("#")
      ? live.querySelector(address)
      : [...live.querySelectorAll("a")].find((link) => link.getAttribute("href") === address);
    again?.focus({ preventScroll: true });
  }
  window.scrollTo({ top, behavior: "instant" });
}

async function refresh() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch(location.pathname + location.search, { cache: "no-store", signal: AbortSignal.timeout(10000) });
      if (!answer.ok) throw new Error(String(answer.status));
      const text = await answer.text();
      if (text !== shown) {
        replace(new DOMParser().parseFromString(text, "text/html").getElementById("main"));
        shown = text;
      }
      last = new Date();
      say("");
    } catch {
      say(`Not connected. These figures have been standing still since ${last.toLocaleTimeString()}.`);
    }
  }
  setTimeout(refresh, EVERY_MS);
}

const button = document.createElement("button");
button.type = "button";
button.textContent = "Pause updates";
button.addEventListener("click", () => {
  paused = !paused;
  button.textContent = paused ? "Resume updates" : "Pause updates";
  say(paused ? `Updates are paused since ${new Date().toLocaleTimeString()}.` : "");
});
document.querySelector("footer").append(button);
setTimeout(refresh, EVERY_MS);
