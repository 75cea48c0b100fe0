"""Take the pictures of the documentation anew: run the demo, open the Dagster UI in Chromium, look.

make pictures        # needs Chromium; everything happens in a temporary folder
"""

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
PAGES = {
    "lineage": ("asset-groups", 1500, 700),
    "valuations": ("assets/valuations?view=overview", 1500, 1500),
    "checks": ("assets/valuations?view=checks", 1500, 900),
    "job": ("locations/ultracore_jobs/jobs/portfolio_valuation", 1500, 900),
}
"""Picture name: page of the UI, width, height."""

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


def main() -> None:
    """Take every picture."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("pictures need Chromium: install the package chromium of your system")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DAGSTER_DISABLE_TELEMETRY": "yes", "ULTRACORE_HOME": f"{folder}/home"}
        ours = [sys.executable, "-m", "ultracore_jobs"]
        subprocess.run([*ours, "demo"], cwd=folder, env=environment, check=True)  # noqa: S603  fixed words
        served = subprocess.Popen(  # noqa: S603  fixed words
            [*ours, "ui", "--port", str(PORT)], cwd=folder, env=environment, start_new_session=True
        )
        try:
            wait_for(f"http://127.0.0.1:{PORT}/server_info")
            for name, (page, width, height) in PAGES.items():
                take(browser, f"http://127.0.0.1:{PORT}/{page}", HERE / f"{name}.png", (width, height))
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
