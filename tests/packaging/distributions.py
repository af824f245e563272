"""Small distributions of third parties, unpacked into a folder or written as a wheel."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HELLO_COMMAND = """
import click

@click.command(short_help="Say hello.")
@click.option("--name", default="world")
def hello(name):
    click.echo(f"hello, {name}")
"""


@dataclass(frozen=True)
class Distribution:
    """What an installer would put into site-packages for one distribution."""

    name: str
    commands: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    version: str = "1.0"

    def files(self) -> dict[str, str]:
        metadata = f"{self.name.replace('-', '_')}-{self.version}.dist-info"
        entry_points = "".join(f"{command} = {target}\n" for command, target in self.commands.items())
        package_files = {f"{module}.py": source for module, source in self.modules.items()}
        return {
            **package_files,
            f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n",
            f"{metadata}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{metadata}/entry_points.txt": f"[dbt.cli.commands]\n{entry_points}",
        }

    def unpack(self, folder: Path) -> None:
        for path, text in self.files().items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")

    def wheel(self, folder: Path) -> Path:
        files = self.files()
        metadata = next(path for path in files if path.endswith("/METADATA")).removesuffix("METADATA")
        record = "".join(f"{path},,\n" for path in [*files, f"{metadata}RECORD"])
        target = folder / f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"
        with zipfile.ZipFile(target, "w") as archive:
            for path, text in {**files, f"{metadata}RECORD": record}.items():
                archive.writestr(path, text)
        return target
