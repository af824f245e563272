from __future__ import annotations

import json
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.ledger.local import LedgerEntry, LocalLedger
from dbt_retry_plus.ledger.recorded import read_recorded
from dbt_retry_plus.planning.arguments import check_recorded
from dbt_retry_plus.recording.lines import Lines
from dbt_retry_plus.words import STRUCK_OUT
from tests.support.ledgers import end, finish, header, selection, start

SECRET_ENV_PREFIX = "DBT_ENV_SECRET"
NO_SECRETS_NAME = st.text().filter(lambda name: not name.startswith(SECRET_ENV_PREFIX))
ODD_SECRETS = ['with "quotes"', "with 'quotes'", "back\\slash", "two\nlines", "tab\t", "pässwört", "🔑", "a/b", "\x7f"]


def lines(*secrets: str) -> Lines:
    return Lines({f"{SECRET_ENV_PREFIX}_{number}": secret for number, secret in enumerate(secrets)})


def encoded(entry: dict[str, Any], *secrets: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(lines(*secrets).encode(entry))
    return decoded


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [str(value)]


@pytest.mark.parametrize("secret", [*ODD_SECRETS, "plain"])
def test_a_secret_is_struck_out_wherever_it_stands(secret: str) -> None:
    entry = {
        "event": "error",
        "message": f"could not connect with {secret}!",
        "arguments": {"vars": {"deep": [{"password": secret}, secret], secret: 1}, "select": [f"{secret}+"]},
        "row": {"message": secret, "adapter_response": {"query": f"set x = {secret}"}},
    }
    struck = encoded(entry, secret)
    assert not [text for text in texts_in(struck) if secret in text]
    assert struck["message"] == f"could not connect with {STRUCK_OUT}!"
    assert struck["arguments"]["vars"] == {"deep": [{"password": STRUCK_OUT}, STRUCK_OUT], STRUCK_OUT: 1}
    assert secret not in lines(secret).encode(entry)


@pytest.mark.parametrize("secret", ODD_SECRETS)
@pytest.mark.parametrize("typed", [json.dumps, lambda text: json.dumps(text, ensure_ascii=False)])
def test_what_somebody_typed_as_json_is_struck_out_too(secret: str, typed: Any) -> None:
    command = f"dbt build --vars {{password: {typed(secret)}}}"
    struck = encoded({"event": "invocation", "arguments": {"invocation_command": command}}, secret)
    assert struck["arguments"]["invocation_command"] == f'dbt build --vars {{password: "{STRUCK_OUT}"}}'


def test_what_somebody_typed_as_yaml_is_struck_out_too() -> None:
    struck = encoded({"arguments": {"invocation_command": "--vars 'password: it''s'"}}, "it's")
    assert struck["arguments"]["invocation_command"] == f"--vars 'password: {STRUCK_OUT}'"


@given(st.text(min_size=1).filter(str.strip), st.text(), st.text())
def test_no_text_keeps_a_secret(secret: str, before: str, after: str) -> None:
    struck = encoded({"event": "error", "message": before + secret + after}, secret)
    assert secret not in struck["message"].replace(STRUCK_OUT, "") or secret in before + after or set(secret) <= {"*"}
    assert STRUCK_OUT in struck["message"]


@given(st.dictionaries(NO_SECRETS_NAME, st.none() | st.booleans() | st.integers() | st.text()))
def test_without_secrets_every_value_stays(values: dict[str, Any]) -> None:
    entry = {"event": "note", "arguments": {"vars": values}}
    assert encoded(entry) == entry


def test_the_rule_is_dbts() -> None:
    from dbt_common import constants

    assert constants.SECRET_ENV_PREFIX == SECRET_ENV_PREFIX
    environment = {
        SECRET_ENV_PREFIX: "bare",
        f"{SECRET_ENV_PREFIX}_A": "prefixed",
        f"{SECRET_ENV_PREFIX}_EMPTY": "",
        f"{SECRET_ENV_PREFIX}_BLANK": " ",
        "DBT_PASSWORD": "public",
        "MY_DBT_ENV_SECRET": "inside",
    }
    line = Lines(environment).encode({"event": "error", "message": "bare prefixed public inside"})
    assert json.loads(line)["message"] == f"{STRUCK_OUT} {STRUCK_OUT} public inside"


def test_a_var_can_be_a_secret_as_in_dbt() -> None:
    journal = Lines({})
    variables = {f"{SECRET_ENV_PREFIX}_PIN": "abc", "user": "me"}
    first = json.loads(journal.encode({"event": "invocation", "arguments": {"vars": variables}}))
    assert first["arguments"]["vars"] == {f"{SECRET_ENV_PREFIX}_PIN": STRUCK_OUT, "user": "me"}
    assert json.loads(journal.encode({"event": "error", "message": "not abc"}))["message"] == f"not {STRUCK_OUT}"


def test_a_number_can_be_a_secret_where_a_user_gave_it() -> None:
    arguments = {"vars": {"pin": 1234, "other": 12345}, "args": {"pins": [1234]}, "threads": 1234}
    entry = {"event": "finish", "node": "a", "row": {"execution_time": 1234}, "arguments": arguments}
    struck = encoded(entry, "1234")
    assert struck["arguments"] == {
        "vars": {"pin": STRUCK_OUT, "other": 12345},
        "args": {"pins": [STRUCK_OUT]},
        "threads": 1234,
    }
    assert struck["row"] == {"execution_time": 1234}


def test_the_longest_of_two_secrets_is_struck_out_first() -> None:
    assert encoded({"event": "error", "message": "abcdef abc"}, "abc", "abcdef")["message"] == "***** *****"


COMMON_WORDS = [
    "a",
    "1",
    "e",
    "true",
    "null",
    '"',
    ",",
    ":",
    "{",
    "success",
    "model",
    "build",
    "shop",
    "event",
    "abc",
    "*",
]


@pytest.mark.parametrize("secret", COMMON_WORDS)
def test_a_secret_that_is_a_common_word_costs_no_proof(tmp_path: Path, secret: str) -> None:
    node = "model.shop.a"
    journal = lines(secret)
    whole = header("abc")
    opened = LocalLedger(tmp_path).open("abc", journal.encode(whole))
    for entry in (selection(node, whole=[node]), start(node), finish(node, message="created abc"), end()):
        opened.journal.append(journal.encode(entry))
    opened.close()
    (entry_on_ledger,) = LocalLedger(tmp_path).entries()
    invocation = read_recorded(LedgerEntry(entry_on_ledger.folder, entry_on_ledger.header))
    assert {outcome.unique_id: outcome.status for outcome in invocation.outcomes.values()} == {node: "success"}
    assert (invocation.command, invocation.project, invocation.target) == ("build", "shop", "dev")
    assert (invocation.selection, invocation.whole_selection, invocation.expected_nodes) == ({node}, {node}, 1)
    assert invocation.tells_all
    assert invocation.arguments["which"] == "build"


def test_what_is_struck_out_is_asked_for(tmp_path: Path) -> None:
    arguments = {"which": "build", "vars": {"password": "hunter2"}}
    opened = LocalLedger(tmp_path).open("abc", lines("hunter2").encode(header("abc", arguments=arguments)))
    opened.close()
    (entry,) = LocalLedger(tmp_path).entries()
    with pytest.raises(RetryRefusedError, match=r"The --vars \(password\) of `dbt build` \(abc\) held a secret"):
        check_recorded(read_recorded(entry), {})


@pytest.mark.parametrize("secret", [(), ("hunter2",)])
def test_keys_that_json_lacks_are_texts(secret: tuple[str, ...]) -> None:
    inside = {
        date(2020, 1, 1): "a",
        datetime(2020, 1, 1, 10, tzinfo=timezone.utc): "b",
        (1, 2): "c",
        1: "d",
        None: "e",
        1.5: "f",
        "g": "g",
    }
    struck = encoded({"event": "note", "arguments": {"vars": {"deep": [inside], True: "hunter2"}}}, *secret)
    assert struck["arguments"]["vars"] == {
        "deep": [
            {
                "2020-01-01": "a",
                "2020-01-01 10:00:00+00:00": "b",
                "(1, 2)": "c",
                "1": "d",
                "null": "e",
                "1.5": "f",
                "g": "g",
            }
        ],
        "true": STRUCK_OUT if secret else "hunter2",
    }


def test_values_that_json_lacks_are_written_as_dbt_does() -> None:
    struck = encoded({"event": "note", "arguments": {"path": Path("models/secret"), "set": {"b", "a"}}}, "secret")
    assert struck["arguments"] == {"path": f"models/{STRUCK_OUT}", "set": ["a", "b"]}


def test_a_document_keeps_what_it_is_told_to_keep_and_loses_its_secrets() -> None:
    document = {
        "command": "build",
        "nodes": [{"unique_id": "model.shop.build", "previous": {"status": "error", "message": "no build"}}],
        "arguments": {"vars": {"DBT_ENV_SECRET_KEY": "no", "other": "no"}},
    }
    struck = lines("build").without_secrets(document, frozenset({"command"}))
    assert struck["command"] == "build"
    assert struck["nodes"] == [
        {"unique_id": "model.shop.build", "previous": {"status": "error", "message": f"{STRUCK_OUT} {STRUCK_OUT}"}}
    ]
    assert set(struck["arguments"]["vars"].values()) == {STRUCK_OUT}
