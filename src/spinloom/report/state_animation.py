"""Moving pictures of magnetisation states."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from spinloom.errors import InputError, require_finite, require_positive
from spinloom.files import replacing
from spinloom.magnetism import Mesh
from spinloom.report.state_views import draw_state
from spinloom.report.style import GREY, TEXT

_DPI = 80
_FORMATS = {".png": "PNG", ".gif": "GIF"}


def animate_states(
    states: torch.Tensor,
    time: torch.Tensor | Sequence[float],
    mesh: Mesh,
    path: str | Path,
    *,
    layer: int = 0,
    component: str | None = None,
    geometry: torch.Tensor | None = None,
    arrows: bool = True,
    title: str = "",
    duration: float = 5.0,
    most_frames: int = 60,
) -> None:
    """Write the pictures of `draw_state` one after the other, each with its time, as an animated PNG or GIF.

    states: (records, 3, nz, ny, nx). time: of each record in s, increasing. path: ends in .png (all colours) or .gif
    (256 colours, for programs that do not move a PNG). duration: s that the whole takes to play; it plays in an even
    pace, with the records nearest to `most_frames` even times where there are more. Only records that
    are shown are looked at. The other arguments are those of `draw_state`.

    Raises InputError for what `draw_state` refuses, times that do not fit and other endings; OutputError where the
    file cannot be written.
    """
    path, times = Path(path), torch.as_tensor(time, dtype=torch.float64)
    if path.suffix.lower() not in _FORMATS:
        raise InputError(f"an animation ends in .png or .gif, got {path.name}")
    require_positive("s", duration=duration)
    if states.ndim != 5 or len(states) < 1 or tuple(times.shape) != (len(states),):
        raise InputError(
            f"states must be (records >= 1, 3, nz, ny, nx) with one time each, got {tuple(states.shape)} "
            f"and {tuple(times.shape)} times"
        )
    require_finite("s", time=times)
    if not bool((times.diff() > 0).all()):
        raise InputError("time must increase from record to record; sort the records and drop repeats")
    if most_frames < 2:
        raise InputError(f"most_frames must be >= 2, got {most_frames}")
    records = _even(times, most_frames)
    frames = []
    for record, stamp in zip(records, _stamps(times[records]), strict=True):
        try:
            figure = draw_state(
                states[record], mesh, layer=layer, component=component, geometry=geometry, arrows=arrows, title=title
            )
        except InputError as error:
            raise InputError(f"record {record}: {error}") from None
        figure.axes[0].set_title(stamp, loc="right", fontsize=TEXT, color=GREY)
        frames.append(_pixels(figure))
    _write(frames, _shown(times[records], duration), path)


def _even(times: torch.Tensor, most: int) -> list[int]:
    """Records to show: all, or those nearest to even times, the first and the last among them."""
    if len(times) <= most:
        return list(range(len(times)))
    wanted = torch.linspace(float(times[0]), float(times[-1]), most, dtype=torch.float64)
    return sorted({int((times - t).abs().argmin()) for t in wanted})


def _stamps(times: torch.Tensor) -> list[str]:
    largest = float(times.abs().max())
    unit, scale = next(((u, s) for u, s in (("ps", 1e12), ("ns", 1e9), ("µs", 1e6)) if largest * s < 1000), ("s", 1.0))
    digits = 0
    while digits < 6 and len({f"{float(t) * scale:.{digits}f}" for t in times}) < len(times):
        digits += 1
    return [f"{float(t) * scale:.{digits}f} {unit}" for t in times]


def _shown(times: torch.Tensor, duration: float) -> list[int]:
    """Milliseconds of each frame, in proportion to the time until the next; the last stays for a second more.

    A GIF counts hundredths of a second, and viewers slow down where there are less than two.
    """
    if len(times) == 1:
        return [1000]
    steps = torch.cat((times.diff(), times.diff()[-1:]))
    milliseconds = 10 * (steps / steps.sum() * duration * 100).round().clamp(min=2).int()
    milliseconds[-1] += 1000
    return milliseconds.tolist()


def _pixels(figure: Figure) -> Image.Image:
    figure.set_dpi(_DPI)
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    return Image.fromarray(np.asarray(drawn.buffer_rgba())[..., :3])


def _write(frames: list[Image.Image], milliseconds: list[int], path: Path) -> None:
    kind = _FORMATS[path.suffix.lower()]
    if kind == "GIF":
        few = np.concatenate([np.asarray(frame) for frame in frames[:: max(1, len(frames) // 8)]])
        # one palette for all frames: what stands still does not flicker
        palette = Image.fromarray(few).quantize(256, dither=Image.Dither.NONE)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    with replacing(path, remedy="free space or choose another path") as temporary:
        frames[0].save(temporary, format=kind, save_all=True, append_images=frames[1:], duration=milliseconds, loop=0)
