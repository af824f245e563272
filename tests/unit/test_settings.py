from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbt_retry_plus.errors import RetryRefusedError
from dbt_retry_plus.settings import Settings, ledger_folder, node_settings, read_settings
from dbt_retry_plus.words import Changed, CheckLevel

NOWHERE = Path("/nowhere")
NAMES = [field.name for field in fields(Settings)]


def read(folder: Path, content: str | bytes | None = None, **environment: str) -> Settings:
    if content is not None:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "dbt_retry_plus.yml").write_bytes(data)
    return read_settings(folder, environment)


def refusal_of(folder: Path, content: str | bytes | None = None, **environment: str) -> str:
    with pytest.raises(RetryRefusedError) as refused:
        read(folder, content, **environment)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("content", [None, "", "# nothing\n", "{}", "---\n", "\ufeff"])
def test_without_settings_the_defaults_hold(tmp_path: Path, content: str | None) -> None:
    assert read(tmp_path, content) == Settings(record=True, ledger="", keep_invocations=30, keep_megabytes=1000)


def test_a_project_sets_what_it_wants(tmp_path: Path) -> None:
    settings = read(tmp_path, "record: false\nledger: läger/here\nkeep_invocations: 5\nkeep_megabytes: '7'\n")
    assert settings == Settings(record=False, ledger="läger/here", keep_invocations=5, keep_megabytes=7)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path, "record: true\nkeep_invocations: 5", DBT_RETRY_PLUS_RECORD="0", DBT_RETRY_PLUS_LEDGER="there"
    )
    assert settings == Settings(record=False, ledger="there", keep_invocations=5)


def test_an_empty_or_foreign_variable_sets_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, None, DBT_RETRY_PLUS_RECORD="", DBT_RETRY_PLUS_DISABLE="1", RECORD="0") == Settings()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("1", True),
        ("Yes", True),
        ("ON", True),
        ("false", False),
        ("0", False),
        ("no", False),
        ("Off", False),
    ],
)
def test_switches_in_all_their_words(tmp_path: Path, text: str, value: bool) -> None:
    assert read(tmp_path, f"record: {text}").record is value
    assert read(tmp_path, f"record: '{text}'").record is value
    assert read(tmp_path, "record: true", DBT_RETRY_PLUS_RECORD=text).record is value


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, "recrod: true") == (
        f"'{tmp_path}/dbt_retry_plus.yml', line 1, has the unknown setting 'recrod'. Did you mean 'record'?"
    )


def test_a_setting_that_resembles_none_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, "# ours\nrecord: true\n\nzzz: 1") == (
        f"'{tmp_path}/dbt_retry_plus.yml', line 4, has the unknown setting 'zzz'. "
        f"Known are: {', '.join(sorted(NAMES))}."
    )


def test_a_setting_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, "record: true\nrecord: false") == (
        f"'{tmp_path}/dbt_retry_plus.yml', line 2, gives 'record' a second time. Leave one of the two."
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2 d", 172_800)]
)
def test_ages_in_all_their_units(tmp_path: Path, text: str, seconds: float) -> None:
    assert read(tmp_path, f"max_age: {text}").max_age == seconds
    assert read(tmp_path, DBT_RETRY_PLUS_MAX_AGE=text).max_age == seconds


def test_checks_get_a_level_by_their_codes(tmp_path: Path) -> None:
    settings = read(tmp_path, "checks:\n  record-too-old: warning\n  node-gone: ignore")
    assert settings.checks == {"record-too-old": CheckLevel.WARNING, "node-gone": CheckLevel.IGNORE}
    assert refusal_of(tmp_path, "checks:\n  node-gone: fatal") == (
        f"'{tmp_path}/dbt_retry_plus.yml', line 2, gives the check 'node-gone' the level 'fatal', which is not one of "
        "error, warning, ignore. Mend it."
    )


def test_plugins_are_named_and_get_settings_of_their_own(tmp_path: Path) -> None:
    settings = read(tmp_path, "disable_plugins: [a, b]\nplugins:\n  freeze:\n    from: 22\n    days: [sat, sun]")
    assert settings.disable_plugins == ("a", "b")
    assert settings.plugins == {"freeze": {"from": 22, "days": ["sat", "sun"]}}
    assert read(tmp_path, DBT_RETRY_PLUS_DISABLE_PLUGINS="a, b").disable_plugins == ("a", "b")


def test_a_node_sets_what_makes_sense_for_one_node() -> None:
    assert node_settings("model.a (a.sql)", {"changed": "none"}) == {"changed": Changed.NONE}
    with pytest.raises(RetryRefusedError) as refusal:
        node_settings("model.a (a.sql)", {"rebuild_testd": "never"})
    assert str(refusal.value) == (
        "model.a (a.sql), meta.retry_plus, has the unknown setting 'rebuild_testd'. Did you mean 'rebuild_tested'?"
    )
    with pytest.raises(RetryRefusedError):
        node_settings("model.a (a.sql)", ["changed"])


@pytest.mark.parametrize("content", ["1: 2", "null: 3", "2020-01-01: 4", "? [a]\n: 5", "true: 1"])
def test_a_setting_that_is_not_named_by_a_text_is_refused(tmp_path: Path, content: str) -> None:
    assert "unknown setting" in refusal_of(tmp_path, content) or "is not valid YAML" in refusal_of(tmp_path, content)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("record: maybe", "the value 'maybe', which is not true or false. Mend it."),
        ("record:", "the value None, which is not true or false."),
        ("record: [true]", "the value [True], which is not true or false."),
        ("keep_invocations: 0", "the value 0, which is not a whole number above 0."),
        ("keep_invocations: -1", "the value -1, which is not a whole number above 0."),
        ("keep_invocations: 1.5", "the value 1.5, which is not a whole number above 0."),
        ("keep_invocations: .inf", "the value inf, which is not a whole number above 0."),
        ("keep_invocations: .nan", "the value nan, which is not a whole number above 0."),
        ("keep_megabytes: true", "the value True, which is not a whole number above 0."),
        ("keep_megabytes: many", "the value 'many', which is not a whole number above 0."),
        ("keep_megabytes:", "the value None, which is not a whole number above 0."),
        ("ledger: 3", "the value 3, which is not a path or the URL of a store."),
        ("ledger:", "the value None, which is not a path or the URL of a store."),
        ('ledger: "a\\0b"', "which is not a path or the URL of a store."),
        ("ledger_interval: soon", "the value 'soon', which is not a time such as 5s or 1m."),
        ("ledger_environment: a/b", "the value 'a/b', which is not a name of letters, digits, dots and dashes."),
        ("ledger_environment: ..", "the value '..', which is not a name"),
        ("hooks: 3", "the value 3, which is not a path."),
        ("max_age: soon", "the value 'soon', which is not a time such as 90s, 30m, 12h or 2d."),
        ("max_age: true", "the value True, which is not a time such as"),
        ("checks: error", "the value 'error', which is not a level by the code of each check."),
        ("disable_plugins: 3", "the value 3, which is not a list of names."),
        ("disable_plugins: [3]", "the value [3], which is not a list of names."),
        ("plugins: [a]", "the value ['a'], which is not a mapping by the name of each plugin."),
        ("plugins: {a: 3}", "the value {'a': 3}, which is not a mapping by the name of each plugin."),
    ],
)
def test_a_value_of_another_kind_is_refused(tmp_path: Path, setting: str, says: str) -> None:
    refusal = refusal_of(tmp_path, setting)
    assert refusal.startswith(
        f"'{tmp_path}/dbt_retry_plus.yml', line 1, gives the setting {setting.split(':', maxsplit=1)[0]!r}"
    )
    assert says in refusal


def test_a_variable_of_another_kind_is_refused_by_its_name(tmp_path: Path) -> None:
    assert refusal_of(tmp_path, None, DBT_RETRY_PLUS_KEEP_INVOCATIONS="few") == (
        "the environment variable DBT_RETRY_PLUS_KEEP_INVOCATIONS gives the setting 'keep_invocations' the value "
        "'few', which is not a whole number above 0. Mend it."
    )


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "a: b: c",
        "\t- x",
        "record: *unknown",
        b"\xff\xfe\xfd",
        b"record: \x00",
        "record: 2020-99-99",
        "record: !!int x",
        "record: !!bool x",
        "record: !!timestamp x",
        "record: !!python/object:os.system {}",
        "[" * 2_000,
    ],
)
def test_what_is_not_yaml_is_refused(tmp_path: Path, content: str | bytes) -> None:
    refusal = refusal_of(tmp_path, content)
    assert refusal.startswith(f"'{tmp_path}/dbt_retry_plus.yml' is not valid YAML (")
    assert refusal.endswith("). Mend or delete it.")


@pytest.mark.parametrize("content", ["[]", "text", "3", "- record: true"])
def test_what_holds_no_settings_is_refused(tmp_path: Path, content: str) -> None:
    assert "does not hold settings by their names. Mend or delete it." in refusal_of(tmp_path, content)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dbt_retry_plus.yml").mkdir()
    assert refusal_of(tmp_path) == (
        f"Could not read '{tmp_path}/dbt_retry_plus.yml': Is a directory. Mend or delete it."
    )


def read_or_refused(folder: Path, content: bytes | None = None, **environment: str) -> Settings | str:
    try:
        return read(folder, content, **environment)
    except RetryRefusedError as refusal:
        return str(refusal)


@given(st.one_of(st.binary(max_size=50), st.text(max_size=50).map(str.encode)))
def test_no_file_raises_anything_else(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    settings = read_or_refused(tmp_path_factory.mktemp("any"), content)
    assert isinstance(settings, Settings) or "\n" not in settings


@given(
    st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
)
def test_no_variable_raises_anything_else(values: dict[str, Any]) -> None:
    environment = {f"DBT_RETRY_PLUS_{name.upper()}": value for name, value in values.items()}
    settings = read_or_refused(NOWHERE, **environment)
    if isinstance(settings, Settings):
        assert settings.ledger == values.get("ledger", "")
        assert settings.keep_invocations > 0
    else:
        assert "\n" not in settings


def test_the_ledger_is_in_the_target_folder_unless_it_is_somewhere_else() -> None:
    project, target = Path("/project"), Path("/project/target")
    assert ledger_folder(Settings(), project, target) == Path("/project/target/retry_plus")
    assert ledger_folder(Settings(ledger="kept"), project, target) == Path("/project/kept")
    assert ledger_folder(Settings(ledger="/elsewhere"), project, target) == Path("/elsewhere")


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKIA:hush@bucket/x",
        "s3://AKIA%3Ahush@bucket",
        "abfs://box@account/x?sig=hush",
        "https://host/x?a=1&X-Amz-Security-Token=hush",
        "gs://bucket/x#access_key=hush",
        "simplecache::s3://key:hush@bucket",
    ],
)
def test_a_url_with_credentials_is_refused_and_not_shown(tmp_path: Path, url: str) -> None:
    for refusal in (refusal_of(tmp_path, f"ledger: '{url}'"), refusal_of(tmp_path, None, DBT_RETRY_PLUS_LEDGER=url)):
        assert "with credentials in its URL" in refusal
        assert "hush" not in refusal
        assert "AKIA" not in refusal


@pytest.mark.parametrize(
    "url", ["s3://bucket/prefix", "abfs://box@account.dfs.core.windows.net/x", "memory://", "file:///var/ledger"]
)
def test_the_ledger_of_this_machine_stays_where_it_was_when_there_is_a_store(tmp_path: Path, url: str) -> None:
    settings = read(tmp_path, f"ledger: '{url}'\nledger_interval: 1m\nledger_environment: prod-1.x")
    assert (settings.ledger, settings.ledger_interval, settings.ledger_environment) == (url, 60.0, "prod-1.x")
    assert ledger_folder(settings, tmp_path, tmp_path / "out") == tmp_path / "out" / "retry_plus"
