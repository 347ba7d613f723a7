import json
import subprocess
import sys
from pathlib import Path

import pytest

from privacy.keys import Key, key_file, region_key
from settings import UsageError

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_keys_from_outside(monkeypatch):
    for name in ("ROMI_KEY_FILE", "ROMI_KEY_EU_PSEUDONYM", "ROMI_KEY_EU_SEAL"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_is_made_once_beside_the_warehouse(tmp_path):
    made = region_key(tmp_path / "warehouse", "eu", "pseudonym")
    assert len(made.secret) == 32
    assert region_key(tmp_path / "warehouse", "eu", "pseudonym") == made
    assert (tmp_path / "warehouse.keys").is_file()
    assert not (tmp_path / "warehouse").exists()


def test_each_region_and_purpose_has_its_own_key(tmp_path):
    secrets = {
        region_key(tmp_path / "w", region, purpose).secret
        for region in ("eu", "us")
        for purpose in ("pseudonym", "seal")
    }
    assert len(secrets) == 4


def test_the_file_of_keys_is_for_its_owner_alone(tmp_path):
    region_key(tmp_path / "w", "eu", "pseudonym")
    assert (tmp_path / "w.keys").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path, mode):
    region_key(tmp_path / "w", "eu", "pseudonym")
    (tmp_path / "w.keys").chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        region_key(tmp_path / "w", "eu", "pseudonym")


def test_the_environment_wins_over_the_file(tmp_path, monkeypatch):
    region_key(tmp_path / "w", "eu-west", "pseudonym")
    monkeypatch.setenv("ROMI_KEY_EU_WEST_PSEUDONYM", "ab" * 32)
    assert region_key(tmp_path / "w", "eu-west", "pseudonym").secret == b"\xab" * 32


def test_with_keys_from_the_environment_no_file_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", "ab" * 32)
    region_key(tmp_path / "w", "eu", "pseudonym")
    assert list(tmp_path.iterdir()) == []


def test_the_file_can_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("ROMI_KEY_FILE", str(tmp_path / "safe" / "keys.json"))
    region_key(tmp_path / "w", "eu", "pseudonym")
    assert key_file(tmp_path / "w") == tmp_path / "safe" / "keys.json"
    assert (tmp_path / "safe" / "keys.json").is_file()


@pytest.mark.parametrize("text", ["ab", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_key_that_is_no_64_hexadecimal_digits_is_refused_without_being_quoted(tmp_path, monkeypatch, text):
    monkeypatch.setenv("ROMI_KEY_EU_PSEUDONYM", text)
    with pytest.raises(UsageError, match="ROMI_KEY_EU_PSEUDONYM: a key is 64 hexadecimal digits") as caught:
        region_key(tmp_path / "w", "eu", "pseudonym")
    assert text not in str(caught.value).replace("a key", "")


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"eu": 5}', '{"eu": {"pseudonym": 5}}', '{"eu": {"pseudonym": "ab"}}', "\xff"]
)
def test_a_file_of_something_else_is_refused(tmp_path, content):
    path = tmp_path / "w.keys"
    path.write_text(content, encoding="latin-1")
    path.chmod(0o600)
    with pytest.raises(UsageError, match=r"w\.keys"):
        region_key(tmp_path / "w", "eu", "pseudonym")


def test_a_place_that_cannot_be_written_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="set ROMI_KEY_FILE or ROMI_KEY_EU_PSEUDONYM"):
        region_key(tmp_path / "file" / "w", "eu", "pseudonym")


def test_a_key_does_not_show_itself():
    key = Key("eu", "seal", b"\xab" * 32)
    assert "ab" * 4 not in repr(key) + key.fingerprint
    assert key.fingerprint != Key("eu", "seal", b"\xac" * 32).fingerprint


def test_two_processes_that_start_at_once_get_the_same_keys(tmp_path):
    script = (
        "import sys; from pathlib import Path; from privacy.keys import region_key\n"
        "sys.stdin.readline()\n"
        "print([region_key(Path(sys.argv[1]), region, 'seal').secret.hex() for region in ('eu', 'us', 'uk')])"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "w")], cwd=ROOT, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]  # fmt: skip
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate()[0] for process in started]
    assert len(set(said)) == 1
    assert len(json.loads((tmp_path / "w.keys").read_text())) == 3
