"""What becomes of Grafana's answers, of a broken connection, and where the token goes."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from grafana.answers import Answered, error_of_answer, error_of_network
from grafana.connection import GrafanaConnection
from kept.errors import ConfigurationError, KeptError, Retry, Stop
from local_stack.ports import free_port
from tests import certificates
from tests.grafana.server import EDITOR_TOKEN, VIEWER_TOKEN, Answer, Grafana, serve

ANSWERS: list[tuple[Answered, type[KeptError], str]] = [
    (Answered(301, leads_to="https://g.example.org/login"), ConfigurationError, "redirects to https://g.example.org"),
    (Answered(302), ConfigurationError, "redirects (302)"),
    (Answered(307), ConfigurationError, "KEPT_GRAFANA_URL"),
    (Answered(308), ConfigurationError, "KEPT_GRAFANA_URL"),
    (Answered(400, said="Cannot save provisioned dashboard"), Stop, "take it out of the provisioning"),
    (Answered(400, said="provisioned dashboard cannot be deleted"), Stop, "kept grafana generate"),
    (Answered(400, said="uid too long"), Stop, "uid too long"),
    (Answered(401), ConfigurationError, "KEPT_GRAFANA_TOKEN_FILE"),
    (Answered(403, said="… Permissions needed: folders:create"), Stop, "needs the permission folders:create"),
    (Answered(403, said="Access denied"), Stop, "needs the permission dashboards:write"),
    (Answered(404, said="Not found"), ConfigurationError, "the path it is served under"),
    (Answered(405), Stop, "405"),
    (Answered(408), Retry, "try again"),
    (Answered(409, said="the object has been modified"), Stop, "changed it meanwhile"),
    (Answered(412, word="version-mismatch"), Stop, "changed it meanwhile"),
    (Answered(412, word="name-exists"), Stop, "another dashboard of this title"),
    (Answered(412, word="plugin-dashboard", said="The dashboard belongs to plugin P."), Stop, "a plugin owns it"),
    (Answered(413), Stop, "413"),
    (Answered(422, said="validation failed"), Stop, "validation failed"),
    (Answered(425), Retry, "try again"),
    (Answered(429), Retry, "try again"),
    (Answered(500, said="Failed to save dashboard"), Retry, "Failed to save dashboard"),
    (Answered(502), Retry, "try again"),
    (Answered(503), Retry, "try again"),
    (Answered(504), Retry, "try again"),
]
BROKEN: list[tuple[requests.RequestException, type[KeptError], str]] = [
    (requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED]"), ConfigurationError, "KEPT_SSL_CAFILE"),
    (requests.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"), ConfigurationError, "with https"),
    (requests.exceptions.JSONDecodeError("no JSON", "", 0), Stop, "not JSON"),
    (requests.exceptions.ConnectTimeout(), Retry, "no answer in time"),
    (requests.exceptions.ReadTimeout(), Retry, "no answer in time"),
    (requests.exceptions.ConnectionError(), Retry, "cannot be reached"),
    (requests.exceptions.ChunkedEncodingError(), Retry, "broke off"),
    (requests.exceptions.ContentDecodingError(), Retry, "broke off"),
    (requests.exceptions.InvalidURL(), ConfigurationError, "InvalidURL"),
    (requests.exceptions.InvalidHeader(EDITOR_TOKEN), ConfigurationError, "InvalidHeader"),
]


def named(value: object) -> str:
    if isinstance(value, Answered):
        return f"{value.status}-{value.word or value.said or 'nothing'}".replace(" ", "-")
    return type(value).__name__ if isinstance(value, Exception) else ""


@pytest.mark.parametrize(("answer", "verb", "words"), ANSWERS, ids=named)
def test_each_answer_has_one_verb_and_says_what_to_do(answer: Answered, verb: type[KeptError], words: str) -> None:
    error = error_of_answer("Grafana http://g", "save the dashboard x", "dashboards:write", answer)
    assert type(error) is verb
    assert words in str(error)
    assert str(error).startswith("Grafana http://g: ")


@pytest.mark.parametrize(("broken", "verb", "words"), BROKEN, ids=named)
def test_each_broken_request_has_one_verb_and_no_word_of_the_client(
    broken: requests.RequestException, verb: type[KeptError], words: str
) -> None:
    error = error_of_network("Grafana http://g", "save the dashboard x", broken)
    assert type(error) is verb
    assert words in str(error)
    assert EDITOR_TOKEN not in str(error)


def test_the_token_goes_with_each_request_as_a_bearer(grafana: Grafana, connection: GrafanaConnection) -> None:
    assert connection.folder("kept") is None
    assert [one.token for one in grafana.asked] == [EDITOR_TOKEN]


@pytest.mark.parametrize(
    ("ask", "permission"),
    [
        pytest.param(lambda c: c.create_folder("kept", "Kept"), "folders:create", id="make a folder"),
        pytest.param(lambda c: c.add_annotation(1, 1, ["kept"], "x"), "annotations:create", id="annotate"),
        pytest.param(
            lambda c: c.save({"uid": "kept-x", "title": "X"}, folder="", version=None, overwrite=False, message=""),
            "dashboards:create",
            id="save",
        ),
    ],
)
def test_a_viewers_token_is_told_which_permission_it_lacks(
    grafana: Grafana, ask: Callable[[GrafanaConnection], object], permission: str
) -> None:
    viewer = GrafanaConnection(grafana.url, VIEWER_TOKEN)
    with pytest.raises(Stop, match=permission) as raised:
        ask(viewer)
    viewer.close()
    assert "Editor" in str(raised.value)
    assert VIEWER_TOKEN not in str(raised.value)


def test_an_unknown_token_is_refused_without_being_told(grafana: Grafana) -> None:
    connection = GrafanaConnection(grafana.url, "glsa_of_another")
    with pytest.raises(ConfigurationError, match="401") as raised:
        connection.folder("kept")
    connection.close()
    assert "glsa_of_another" not in str(raised.value)


def test_a_redirect_is_not_followed_and_a_write_that_is_redirected_is_no_success(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    """requests would send a POST that is answered 302 once more, as a GET."""
    with serve(Grafana()) as other:
        grafana.before = lambda asked: Answer(302, {}, {"Location": f"{other.url}/api/folders?auth={EDITOR_TOKEN}"})
        with pytest.raises(ConfigurationError, match="redirects to http://127") as raised:
            connection.create_folder("kept", "Kept")
        assert other.asked == []
    assert EDITOR_TOKEN not in str(raised.value)
    assert len(grafana.asked) == 1


def test_a_page_of_a_proxy_with_the_word_message_is_an_error_of_ours(
    grafana: Grafana, connection: GrafanaConnection
) -> None:
    """grafana-api indexes a text with "message" when the text has this word in it."""
    grafana.before = lambda asked: Answer(502, b"<html>message: no upstream</html>", {"Content-Type": "text/html"})
    with pytest.raises(Retry, match="502 Bad Gateway"):
        connection.folder("kept")


def test_an_echo_of_the_token_is_not_repeated(grafana: Grafana, connection: GrafanaConnection) -> None:
    grafana.before = lambda asked: Answer(400, {"message": f"bad header: Bearer {asked.token}"})
    with pytest.raises(Stop, match="bad header") as raised:
        connection.folder("kept")
    assert EDITOR_TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("body", "why"),
    [(b"<html>Sign in</html>", "not JSON"), (b"[]", "not what Grafana answers"), (b"{}", "not what Grafana answers")],
    ids=["a page", "a list", "nothing"],
)
def test_what_is_not_grafana_is_told(grafana: Grafana, connection: GrafanaConnection, body: bytes, why: str) -> None:
    grafana.before = lambda asked: Answer(200, body)
    with pytest.raises(Stop, match=why):
        connection.folder("kept")


def test_a_wrong_path_is_not_taken_for_a_missing_folder(grafana: Grafana) -> None:
    connection = GrafanaConnection(f"{grafana.url}/elsewhere", EDITOR_TOKEN)
    with pytest.raises(ConfigurationError, match="path it is served under"):
        connection.folder("kept")
    connection.close()


def test_grafana_may_be_served_under_a_path() -> None:
    with serve(Grafana(prefix="/boards/grafana", folders={"kept": "Kept"})) as grafana:
        connection = GrafanaConnection(f"{grafana.url}/", EDITOR_TOKEN)
        found = connection.folder("kept")
        connection.close()
    assert found is not None
    assert found.title == "Kept"


def test_nobody_at_the_address_is_to_be_tried_again() -> None:
    connection = GrafanaConnection(f"http://127.0.0.1:{free_port()}", EDITOR_TOKEN)
    with pytest.raises(Retry, match="cannot be reached"):
        connection.folder("kept")
    connection.close()


def test_environment_variables_send_the_token_to_no_proxy(
    grafana: Grafana, connection: GrafanaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    connection.folder("kept")
    assert len(grafana.asked) == 1


@pytest.mark.parametrize("token", ["", "two\nlines", "with blank", "tökèn"], ids=["none", "lines", "blank", "letters"])
def test_a_token_that_no_header_can_carry_is_refused_without_being_told(token: str) -> None:
    with pytest.raises(ConfigurationError, match="KEPT_GRAFANA_TOKEN") as raised:
        GrafanaConnection("http://127.0.0.1:3000", token)
    assert not token or token not in str(raised.value)


def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"KEPT_SSL_CAFILE .*absent\.pem"):
        GrafanaConnection("https://127.0.0.1:3000", EDITOR_TOKEN, ca_file=str(tmp_path / "absent.pem"))


def test_https_is_trusted_with_the_right_authorities_alone(tmp_path: Path) -> None:
    assert certificates.MISSING is None, certificates.MISSING
    right, wrong = certificates.Authority(tmp_path, "right"), certificates.Authority(tmp_path, "wrong")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*right.issue("grafana", "IP:127.0.0.1"))
    with serve(Grafana(folders={"kept": "Kept"}), context) as grafana:
        trusting = GrafanaConnection(grafana.url, EDITOR_TOKEN, ca_file=str(right.certificate))
        assert trusting.folder("kept") is not None
        trusting.close()
        for ca_file in (str(wrong.certificate), None):
            doubting = GrafanaConnection(grafana.url, EDITOR_TOKEN, ca_file=ca_file)
            with pytest.raises(ConfigurationError, match="not trusted"):
                doubting.folder("kept")
            doubting.close()
        assert [one.token for one in grafana.asked] == [EDITOR_TOKEN]
