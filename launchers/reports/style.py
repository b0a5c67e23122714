"""How the report's figures look: readable in grey, on paper and with any colour vision."""

import base64
import dataclasses
import io
from contextlib import AbstractContextManager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

INK = '#1f2328'
MUTED = '#6b7280'
RULE = '#d0d4da'
OUTLINE = '#ffd400'
PREDICTION = '#2e86de'
HATCH = '#05246b'
LESION = '#d1360a'
_LESION_CLASSES = ('#d55e00', '#f0e442', '#009e73', '#cc79a7', '#56b4e9')


@dataclasses.dataclass(frozen=True)
class Series:
  """A line or a set of points, told apart by dash and marker as well as by colour."""

  colour: str
  dash: str
  marker: str


# Colours of Okabe and Ito, ordered so that neighbours differ in lightness.
SERIES = (
  Series('#0072b2', '-', 'o'),
  Series('#d55e00', '--', '^'),
  Series('#000000', ':', 's'),
  Series('#009e73', '-.', 'D'),
  Series('#cc79a7', (0, (5, 1, 1, 1, 1, 1)), 'v'),
  Series('#56b4e9', (0, (1, 1)), 'P'),
)

_RC = {
  'font.family': 'sans-serif',
  'font.sans-serif': ['DejaVu Sans'],
  'font.size': 8.5,
  'axes.titlesize': 9.5,
  'axes.titleweight': 'bold',
  'axes.titlelocation': 'left',
  'axes.labelsize': 8.5,
  'axes.labelcolor': INK,
  'axes.edgecolor': MUTED,
  'axes.linewidth': 0.7,
  'axes.spines.top': False,
  'axes.spines.right': False,
  'axes.grid': True,
  'axes.axisbelow': True,
  'grid.color': RULE,
  'grid.linewidth': 0.5,
  'text.color': INK,
  'xtick.color': MUTED,
  'ytick.color': MUTED,
  'xtick.labelcolor': INK,
  'ytick.labelcolor': INK,
  'xtick.labelsize': 8,
  'ytick.labelsize': 8,
  'lines.linewidth': 1.4,
  'legend.facecolor': 'w',
  'legend.edgecolor': 'none',
  'legend.framealpha': 0.85,
  'legend.fontsize': 8,
  'legend.handlelength': 2.6,
  'hatch.linewidth': 0.6,
  # Text as text: half the bytes, and it can be searched.
  'svg.fonttype': 'none',
  # Names of arms and data sets are texts, in which $ means a dollar.
  'text.parse_math': False,
  'text.usetex': False,
  # Fixed names inside the SVG, so that the same numbers give the same bytes.
  'svg.hashsalt': 'report',
}


def of_lesion_classes(n: int) -> list[str]:
  """Colours of the classes of a lesion."""
  return [_LESION_CLASSES[i % len(_LESION_CLASSES)] for i in range(n)]


def style() -> AbstractContextManager:
  """Matplotlib settings of the report; figures are made and saved inside."""
  return matplotlib.rc_context(_RC)


def signed(value: float, digits: int) -> str:
  """A number with its sign, minus as a minus sign and not a hyphen."""
  return f'{value:+.{digits}f}'.replace('-', '\N{MINUS SIGN}')


def format_ml(volume_ml: float) -> str:
  """A volume with the digits that matter, such as `0.22 ml`, `12.7 ml`, `1,334 ml`."""
  digits = 0 if volume_ml >= 100 else 1 if volume_ml >= 10 else 2
  return f'{volume_ml:,.{digits}f} ml'


def series(index: int) -> Series:
  """The look of the `index`-th line of a figure; looks repeat after six."""
  return SERIES[index % len(SERIES)]


def plot_panel(title: str, x_label: str, y_label: str) -> tuple[Figure, Axes]:
  """A panel with one pair of axes, sized to be read at the width of a phone."""
  figure = Figure(figsize=(3.7, 2.75), layout='constrained')
  axes = figure.add_subplot()
  axes.set(title=title, xlabel=x_label, ylabel=y_label)
  return figure, axes


def image_axes(axes: Axes) -> Axes:
  """Takes away all that surrounds a picture."""
  axes.set(xticks=[], yticks=[])
  axes.grid(False)
  for spine in axes.spines.values():
    spine.set_visible(False)
  return axes


def svg_uri(figure: Figure) -> str:
  """A drawing as a data URI."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format='svg', metadata={'Date': None})
  return _uri('image/svg+xml', buffer)


def picture_uri(figure: Figure, dpi: int = 200) -> str:
  """A figure of slices as a data URI: WebP, a fifth of the size of PNG.

  It stores colour at half the resolution; `dpi` is high enough for outlines to keep theirs.
  """
  drawn, packed = io.BytesIO(), io.BytesIO()
  figure.savefig(drawn, format='png', dpi=dpi)
  Image.open(drawn).convert('RGB').save(packed, format='webp', quality=85, method=4)
  return _uri('image/webp', packed)


def _uri(kind: str, buffer: io.BytesIO) -> str:
  return f'data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}'
