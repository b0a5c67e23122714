"""A page in headless Chromium that has no network."""

import base64
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
_FLAGS = (
  *('--headless=new', '--no-sandbox', '--hide-scrollbars', '--window-size=1200,700'),
  *('--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'),
  *('--host-resolver-rules=MAP * ~NOTFOUND', '--proxy-server=127.0.0.1:9', '--disable-extensions'),
  '--virtual-time-budget=20000',
)
# Runs once the viewer is ready, or has failed.
_DRIVER = """
const waiting = setInterval(async () => {
  if (!document.body.dataset.state) return;
  clearInterval(waiting);
  const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
  const click = (text) => {
    const all = [...document.querySelectorAll('label, button')];
    all.find((element) => element.textContent.trim() === text).click();
  };
  STEPS
}, 50);
"""


def find_chromium() -> str | None:
  return next(filter(None, map(shutil.which, NAMES)), None)


def driven(page: bytes, steps: str) -> bytes:
  """The page with a script that its policy allows; `click(text)` and `await pause()` are there."""
  script = _DRIVER.replace('STEPS', steps)
  digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
  allowed = page.replace(b'script-src ', f'script-src &#x27;sha256-{digest}&#x27; '.encode())
  return allowed.replace(b'</body>', f'<script>{script}</script></body>'.encode())


def dump(page: bytes) -> str:
  """The document's text after its scripts have run."""
  return _run(page, '--dump-dom').decode()


def screenshot(page: bytes, path: Path) -> None:
  _run(page, f'--screenshot={path}')


def _run(page: bytes, what: str) -> bytes:
  with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / 'page.html'
    file.write_bytes(page)
    command = [find_chromium(), *_FLAGS, f'--user-data-dir={folder}/profile', what, file.as_uri()]
    return subprocess.run(command, capture_output=True, check=True, timeout=300).stdout
