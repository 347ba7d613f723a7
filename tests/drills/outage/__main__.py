"""`make drill`: play it, and write drill.svg and drill.md into docs/ or another folder; 1 says that it failed."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.drills.outage.drill import Drill
from tests.drills.outage.picture import curve, draw, page


def main(docs: Path) -> int:
    os.environ.pop("ROMI_KEY_FILE", None)  # its shops have keys of their own
    with tempfile.TemporaryDirectory() as folder:
        drill = Drill(Path(folder), lambda line: print(line, flush=True))
        drill.play()
        found = drill.judge()
        draw(curve(drill), docs / "drill.svg")
        (docs / "drill.md").write_text(page(drill, found, "drill.svg"))
    print("\n".join(found) if found else "The rows of finance are those of the shop that had no outage.")
    print(f"{docs}/drill.md tells what happened.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
