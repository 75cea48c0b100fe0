"""Take the pictures of the documentation anew: run the demo, open the Dagster UI in Chromium, look.

make pictures                  # needs Chromium; everything happens in a temporary folder
make pictures ARGS="fees job"  # these only
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PORT = 3210
HERE = Path(__file__).parent
MONTH_END, JUNE = "2026-06-30", "2026-06-01"
"""A day on which fees fall due, performance fees too."""

APPROVED, WAITING = "acacia", "banksia"
"""The tenant whose fees are approved and applied, and the one whose fees wait."""

NOTE = "totals and exceptions looked at"
FORM = f"batch_id:+{{waiting}}%0Anote:+{NOTE.replace(' ', '+')}%0Aname:+olga%0A"

PAGES = {
    "lineage": ("asset-groups", 1500, 700),
    "valuations": ("assets/valuations?view=overview", 1500, 1500),
    "checks": ("assets/valuations?view=checks", 1500, 900),
    "job": ("locations/ultracore_jobs/jobs/portfolio_valuation", 1500, 900),
    "fees": (f"assets/fee_charges?view=partitions&partition={JUNE}%7C{WAITING}", 1600, 1200),
    "receipts": (f"assets/fee_receipts?view=partitions&partition={JUNE}%7C{APPROVED}", 1500, 1150),
    "approval": (f"locations/ultracore_jobs/jobs/approve_batch/playground/setup?config={FORM}", 1500, 800),
}
"""Picture name: page of the UI, width, height. ``{waiting}`` is the batch that waits."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> None:
    """Take every picture, or those named."""
    wanted = sys.argv[1:] or list(PAGES)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("pictures need Chromium: install the package chromium of your system")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "ULTRACORE_HOME": f"{folder}/home",
            # Who asked for the fees, as the pictures show it.
            "LOGNAME": "paul",
        }
        ours = [sys.executable, "-m", "ultracore_jobs"]

        def say(*words: str) -> str:
            return subprocess.run(  # noqa: S603  our own command
                [*ours, *words], cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True
            ).stdout

        say("demo", "--date", MONTH_END, "--portfolios", "60")
        batches = json.loads(say("approvals", "list", "--json"))
        waits = {batch["tenant"]: batch["batch_id"] for batch in batches}
        say("approvals", "approve", waits[APPROVED], "--name", "olga", "--note", NOTE)
        served = subprocess.Popen(  # noqa: S603  fixed words
            [*ours, "ui", "--port", str(PORT)], cwd=folder, env=environment, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{PORT}/server_info")
            for name in wanted:
                page, width, height = PAGES[name]
                address = f"http://127.0.0.1:{PORT}/{page.format(waiting=waits[WAITING])}"
                take(browser, address, HERE / f"{name}.png", (width, height))
        finally:
            os.killpg(served.pid, 15)
            served.wait()


def wait_for(address: str) -> None:
    """Return when the address answers; give up after a minute."""
    for _ in range(60):
        try:
            with urllib.request.urlopen(address):  # noqa: S310  our own server
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(1)
    sys.exit(f"{address} does not answer")


def take(browser: str, address: str, picture: Path, size: tuple[int, int]) -> None:
    """One picture of one page, once it has settled."""
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, *FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}"]
        command += ["--virtual-time-budget=25000", f"--screenshot={picture}", address]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603  fixed words, our own address
    print(f"{picture.name}: {picture.stat().st_size:,} bytes")


main()
