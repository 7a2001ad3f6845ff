"""Offline kits: made twice the same, installed with the network cut, refused when damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from edge_export.cli import main
from edge_export.errors import KitError
from edge_export.kit import DEVICES, build_kit
from edge_export.wheels import PINS, RUNTIME, Device

from edge.bundles.manifest import read_bundle
from tests.conftest import CHIP, ROOT
from tests.test_install import apart, cut_network

TINY = ROOT / "tests" / "data" / "bundles" / "tiny-llama-fp32"
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder)
    (kit,) = folder.iterdir()
    return kit


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    machine = os.uname().machine
    device = Device("here", machine, HERE, 35, "this machine")
    build_kit(device, [read_bundle(TINY)], folder / "kit.tar")
    return folder / "kit.tar"


@pytest.fixture
def kit(archive: Path, tmp_path: Path) -> Path:
    return unpack(archive, tmp_path / "kit")


def install(kit: Path, prefix: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(kit / "install.sh"), "--prefix", str(prefix), "--bin"]
    command += [str(prefix / "bin"), "--python", sys.executable, *options]
    return subprocess.run([*cut_network(), *command], env=apart(), capture_output=True, text=True)


@pytest.mark.slow
def test_it_installs_and_digests_with_the_network_cut(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    done = install(kit, prefix)
    assert done.returncode == 0, done.stderr
    assert "golden sample agrees" in done.stderr
    shutil.rmtree(kit)  # nothing is needed of it any more
    edge = str(prefix / "bin" / "edge")
    digest = subprocess.run(
        [*cut_network(), edge, "summarize", str(CHIP), "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(digest.stdout)["key_points"]
    listed = subprocess.run([edge, "models", "list"], capture_output=True, text=True, check=True)
    assert "minilm-l6-int8" in listed.stdout and "tiny-llama-fp32" in listed.stdout
    site = next((prefix / "current" / "lib").glob("python*/site-packages"))
    names = {path.name.split("-")[0] for path in site.glob("*.dist-info")}
    assert names == {*RUNTIME, "edge_insights"}
    assert not list((site / "numpy").rglob("tests"))
    assert list(site.rglob("*.pyc")), "users may not be allowed to compile there"
    licences = {path.name for path in (prefix / "current" / "licences").iterdir()}
    assert {"edge-insights", "onnxruntime", "numpy", "click"} <= licences


@pytest.mark.slow
def test_installing_again_and_over_another_version_leaves_one(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    (prefix / "versions" / "0.0-old").mkdir(parents=True)
    (prefix / "current").symlink_to("versions/0.0-old")
    for _ in range(2):
        assert install(kit, prefix).returncode == 0
    assert len(list((prefix / "versions").iterdir())) == 1
    assert (prefix / "current" / "bin" / "edge").exists()


def assert_nothing_installed(prefix: Path) -> None:
    assert not (prefix / "bin").exists() and not (prefix / "current").exists()
    assert not (prefix / "versions").exists() or not list((prefix / "versions").iterdir())


def test_a_damaged_kit_is_refused_whole(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    victim = next((kit / "wheels").glob("click-*"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    done = install(kit, prefix)
    assert done.returncode == 1
    assert f"wheels/{victim.name}: FAILED" in done.stderr
    assert "differ from SHA256SUMS" in done.stderr and "Nothing was installed" in done.stderr
    victim.unlink()
    assert install(kit, prefix).returncode == 1
    assert_nothing_installed(prefix)


@pytest.mark.slow
def test_an_installation_that_fails_half_way_leaves_nothing(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    # A wheel that is what the sums say and yet no wheel: pip fails after the environment is there.
    victim = next((kit / "wheels").glob("click-*"))
    victim.write_bytes(b"no wheel")
    sums = (kit / "SHA256SUMS").read_text().splitlines()
    (kit / "SHA256SUMS").write_text("\n".join(s for s in sums if victim.name not in s) + "\n")
    own = subprocess.run(
        ["sha256sum", f"wheels/{victim.name}"], cwd=kit, capture_output=True, text=True, check=True
    )
    with (kit / "SHA256SUMS").open("a") as file:
        file.write(own.stdout)
    done = install(kit, prefix)
    assert done.returncode != 0
    assert_nothing_installed(prefix)


def test_another_machine_or_python_is_refused(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    settings = kit / "kit.env"
    original = settings.read_text()

    def refused(old: str, new: str) -> str:
        settings.write_text(original.replace(old, new))
        text = settings.read_bytes()
        import hashlib

        lines = (kit / "SHA256SUMS").read_text().splitlines()
        kept = [line for line in lines if not line.endswith("  kit.env")]
        kept.append(f"{hashlib.sha256(text).hexdigest()}  kit.env")
        (kit / "SHA256SUMS").write_text("\n".join(kept) + "\n")
        done = install(kit, prefix)
        assert done.returncode == 1
        assert_nothing_installed(prefix)
        return done.stderr

    assert "is for riscv64 processors" in refused(
        f"MACHINE={os.uname().machine}", "MACHINE=riscv64"
    )
    assert "is no Python 2.7" in refused(f"PYTHON_VERSION={HERE}", "PYTHON_VERSION=2.7")


@pytest.mark.slow
def test_the_service_is_filled_in(kit: Path, tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    inbox, output, units = tmp_path / "in box", tmp_path / "out", tmp_path / "units"
    done = install(kit, prefix, "--units", str(units), "--service", str(inbox), str(output))
    assert done.returncode == 0, done.stderr
    unit = (units / "edge-watch.service").read_text()
    assert f'ExecStart="{prefix}/current/bin/edge" watch "{inbox}" --output "{output}"' in unit
    assert "@" not in unit.replace("@system-service", "").replace("@privileged", "")
    assert "PrivateNetwork=yes" in unit and "ProtectSystem=strict" in unit
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", str(units / "edge-watch.service")]
        found = subprocess.run(command, capture_output=True, text=True)
        assert "edge-watch.service" not in found.stderr, found.stderr


def test_an_unknown_option_is_named(kit: Path, tmp_path: Path) -> None:
    done = install(kit, tmp_path / "prefix", "--colour")
    assert done.returncode == 1 and "unknown option --colour" in done.stderr
    done = install(kit, tmp_path / "prefix", "--help")
    assert done.returncode == 0 and "--service INBOX OUTPUT" in done.stdout


@pytest.mark.slow
def test_the_same_inputs_give_the_same_bytes(archive: Path, tmp_path: Path) -> None:
    device = Device("here", os.uname().machine, HERE, 35, "this machine")
    again = build_kit(device, [read_bundle(TINY)], tmp_path / "again.tar")
    assert again.path.read_bytes() == archive.read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name != "again.tar"]


def test_it_lists_what_it_holds(kit: Path) -> None:
    described = json.loads((kit / "kit.json").read_text())
    assert described["bundles"]["tiny-llama-fp32"]["sha256"] == read_bundle(TINY).sha256
    assert len(described["wheels"]) == len(RUNTIME) + 1
    listed = {line.split("  ")[1] for line in (kit / "SHA256SUMS").read_text().splitlines()}
    files = {str(path.relative_to(kit)) for path in kit.rglob("*") if path.is_file()}
    assert listed == files - {"SHA256SUMS"}


def test_every_device_has_versions_for_its_python() -> None:
    for device in DEVICES.values():
        assert set(PINS[device.python]) == {*RUNTIME, "pip"}


def test_a_wheel_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "onnxruntime_gpu-1.23.0-cp312-cp312-linux_aarch64.whl"
    with zipfile.ZipFile(wheel, "w"):
        pass
    for device in ("jetson-orin", "x86"):
        with pytest.raises(KitError, match="does not fit"):
            build_kit(DEVICES[device], [], tmp_path / "kit.tar", wheels=[wheel])
    with pytest.raises(KitError, match="is no wheel"):
        build_kit(DEVICES["pi4"], [], tmp_path / "kit.tar", wheels=[tmp_path / "x.zip"])
    assert not (tmp_path / "kit.tar").exists()


def test_an_output_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    command = ["kit", "--device", "pi5", "--archive", str(tmp_path / "none" / "k.tar")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1 and "there is no folder" in result.stderr


def test_an_unknown_python_is_an_error(tmp_path: Path) -> None:
    command = ["kit", "--device", "pi5", "--python", "2.7", "--archive", str(tmp_path / "k.tar")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1 and "Python 2.7 is none" in result.stderr
    result = CliRunner().invoke(main, ["kit", "--device", "vax", "--archive", "x"])
    assert result.exit_code == 2 and "pi-zero-2w" in result.stderr
