"""Pictures of magnetisation states, in the colours that MuMax3 and OOMMF have for directions, still and moving."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from spinloom.errors import InputError, require_finite, require_positive, unknown_name
from spinloom.files import replacing
from spinloom.magnetism import Mesh, require_mask
from spinloom.report.style import GREY, TEXT, canvas, label

OUTSIDE = "#D9D9D9"
"""Where there is no material: neither the white nor the black of a perpendicular state."""
_KEY_PIXELS = 240
_ARROWS = 20
"""Along each side of a square."""
_WIDEST, _TALLEST = 7.4, 5.4
"""Of a map, in inches."""
_DPI, _FORMATS = 80, {".png": "PNG", ".gif": "GIF"}
"""Of animations."""


def hue(m: torch.Tensor) -> torch.Tensor:
    """Colours (..., 3), RGB from 0 to 1, of directions m (3, ...): the in-plane angle is the hue, m_z the lightness.

    +x is red, +y yellow-green, -x cyan, -y violet; +z is white, -z black. In HSL: hue atan2(m_y, m_x), saturation 1,
    lightness (1 + m_z) / 2. Cells without material (m = 0) take the grey OUTSIDE.
    """
    m = m.detach().cpu().double()
    x, y, z = m
    turns = torch.atan2(y, x) / (2 * torch.pi)
    z = z.clamp(-1, 1)[..., None]
    wave = (6 * turns[..., None] + torch.tensor([0.0, 4.0, 2.0], dtype=torch.float64)) % 6  # of red, green and blue
    pure = ((wave - 3).abs() - 1).clamp(0, 1)
    grey = torch.full((3,), int(OUTSIDE[1:3], 16) / 255, dtype=torch.float64)
    return torch.where((m == 0).all(dim=0)[..., None], grey, (1 + z) / 2 + (1 - z.abs()) * (pure - 0.5))


def draw_key(axis: Axes) -> None:
    """The sphere of directions spread on a disc: the polar angle grows from +z in the centre to -z at the rim."""
    place = torch.linspace(-1, 1, _KEY_PIXELS, dtype=torch.float64)
    y, x = torch.meshgrid(place, place, indexing="ij")
    radius, azimuth = torch.hypot(x, y), torch.atan2(y, x)
    polar = torch.pi * radius.clamp(max=1)
    m = torch.stack((polar.sin() * azimuth.cos(), polar.sin() * azimuth.sin(), polar.cos()))
    edge = ((1 - radius) * _KEY_PIXELS / 2).clamp(0, 1)  # smooth over one pixel
    axis.imshow(torch.cat((hue(m), edge[..., None]), dim=-1).numpy(), origin="lower", extent=(-1, 1, -1, 1))
    axis.set_axis_off()
    axis.set_xlim(-1.4, 1.4)
    axis.set_ylim(-1.4, 1.4)
    for text, where in {"+x": (1.25, 0), "−x": (-1.27, 0), "+y": (0, 1.22), "−y": (0, -1.25)}.items():
        axis.text(*where, text, ha="center", va="center", fontsize=TEXT - 1, color=GREY)
    axis.text(0, -1.6, "centre +z\nrim −z", ha="center", va="top", fontsize=TEXT - 1, color=GREY)


def draw_state(
    m: torch.Tensor,
    mesh: Mesh,
    *,
    layer: int = 0,
    component: str | None = None,
    geometry: torch.Tensor | None = None,
    arrows: bool = True,
    title: str = "",
) -> Figure:
    """One layer of cells seen from +z, x to the right, lengths in nm from the middle of the grid.

    m: unit vectors (3, nz, ny, nx), 0 where there is no material. component: None draws the colours of `hue` and their
    key; "x", "y" or "z" a map of that component. geometry: mask of the material, bool (nz, ny, nx) or (ny, nx);
    default: where m is not 0. arrows: the in-plane part of single cells, on a fine mesh of every second, third ...

    Raises InputError for another shape, lengths other than 0 and 1, an unknown layer or component, a mesh of several
    sizes, and a state that is 0 where the geometry has material.
    """
    m = m.detach().cpu().double()
    material = _material(m, mesh, geometry)
    if not 0 <= layer < mesh.shape[0]:
        raise InputError(f"layer must be from 0 to {mesh.shape[0] - 1}, got {layer}")
    inside = material[layer]
    if component not in (None, "x", "y", "z"):
        raise unknown_name("component", str(component), ("x", "y", "z"))
    flat = torch.where(inside, m[:, layer], 0.0)
    x, y = (float(n * length) * 1e9 for n, length in zip(mesh.cells[:2], mesh.lengths[:2], strict=True))
    figure, axis, side = _sheet(x, y, bar=component is not None)
    if component is None:
        colours = hue(flat).numpy()
        draw_key(side)
    else:
        colours = np.ma.masked_array(flat["xyz".index(component)].numpy(), ~inside.numpy())
    extent = (-x / 2, x / 2, -y / 2, y / 2)
    image = axis.imshow(colours, "RdBu_r", vmin=-1, vmax=1, origin="lower", interpolation="nearest", extent=extent)
    if component is not None:
        bar = figure.colorbar(image, cax=side, ticks=[-1, -0.5, 0, 0.5, 1])
        bar.set_label(f"$m_{component}$", fontsize=TEXT)
        bar.ax.tick_params(labelsize=TEXT - 1, color=GREY)
        bar.outline.set_edgecolor(GREY)
    if arrows:
        _draw_arrows(axis, flat.numpy(), image.to_rgba(colours), mesh)
    label(axis, title, "x (nm)", "y (nm)")
    return figure


def _material(m: torch.Tensor, mesh: Mesh, geometry: torch.Tensor | None) -> torch.Tensor:
    """Mask (nz, ny, nx), after a look at the state."""
    if any(length.ndim for length in mesh.lengths):
        raise InputError("a picture shows one mesh, this one has a batch of cell sizes; take one of them")
    if tuple(m.shape) != (3, *mesh.shape):
        raise InputError(f"a state on this mesh has shape {(3, *mesh.shape)}, got {tuple(m.shape)}; draw states singly")
    length = m.norm(dim=0)
    filled = length > 0
    if not bool((length.isfinite() & ((length - filled.to(length)).abs() < 1e-3)).all()):
        raise InputError("|m| must be 1, or 0 outside of the material; divide by it (VectorField.magnetization)")
    if geometry is None:
        return filled
    inside = require_mask(geometry, mesh).cpu()
    if inside.ndim > 3 or bool((inside & ~filled).any()):
        raise InputError(
            "the geometry must be one mask, and the state not 0 inside of it; use the state's own geometry"
        )
    return inside


def _sheet(x: float, y: float, bar: bool) -> tuple[Figure, Axes, Axes]:
    """Figure, map of x by y nm and, beside it, a place for the colour bar or the key; laid out in inches."""
    scale = min(_WIDEST / x, _TALLEST / y)
    width, height = x * scale, y * scale
    side_width, side_height, words = (0.18, max(height, 1.3), 0.0) if bar else (1.3, 1.3, 0.5)
    half = (side_height + words) / 2
    below, above = max(0.62 + height / 2, half + 0.12), max(0.4 + height / 2, half + 0.12)  # of the map's middle
    total = max(0.85 + width + (1.15 if bar else 1.65), 4.5), below + above
    top = below + max(height / 2, half)

    def place(axis: Axes, left: float, bottom: float, width: float, height: float) -> None:
        axis.set_position((left / total[0], bottom / total[1], width / total[0], height / total[1]))

    figure, (axis,) = canvas()
    figure.set_layout_engine("none")
    figure.set_size_inches(*total)
    side = figure.add_axes((0, 0, 1, 1))
    place(axis, 0.85, below - height / 2, width, height)
    place(side, 0.85 + width + 0.27, top - side_height, side_width, side_height)
    axis.grid(False)
    axis.set_facecolor(OUTSIDE)
    axis.spines[:].set(visible=True, color=GREY)
    for ticks, length, room in ((axis.xaxis, width, 0.7), (axis.yaxis, height, 0.5)):
        ticks.set_major_locator(MaxNLocator(max(2, min(8, int(length / room))), steps=[1, 2, 2.5, 5, 10]))
    if height < 0.45:  # no room for two numbers
        axis.set_yticks([0], [f"±{y / 2:.4g}"])
    return figure, axis, side


def _draw_arrows(axis: Axes, m: np.ndarray, colours: np.ndarray, mesh: Mesh) -> None:
    """Dark on light colours and light on dark ones; none where m is perpendicular or there is no material."""
    ny, nx = m.shape[1:]
    dx, dy = (float(length) * 1e9 for length in mesh.lengths[:2])
    spacing = max((nx * dx * ny * dy) ** 0.5 / _ARROWS, max(nx * dx, ny * dy) / (2 * _ARROWS), dx, dy)
    rows, columns = (  # the middles of equal parts
        ((np.arange(parts) + 0.5) * n / parts).astype(int)
        for n, parts in ((n, max(1, round(n * d / spacing))) for n, d in ((ny, dy), (nx, dx)))
    )
    row, column = (places.ravel() for places in np.meshgrid(rows, columns, indexing="ij"))
    shown = np.hypot(m[0, row, column], m[1, row, column]) > 0.15
    row, column = row[shown], column[shown]
    light = colours[row, column, :3] @ (0.3, 0.59, 0.11)
    axis.quiver(
        (column - (nx - 1) / 2) * dx, (row - (ny - 1) / 2) * dy, m[0, row, column], m[1, row, column],
        color=np.where(light[:, None] < 0.5, 0.95, 0.1) * np.ones(3), pivot="middle", angles="xy",
        scale_units="xy", scale=1 / (0.8 * spacing), units="xy", width=0.09 * spacing,
    )  # fmt: skip


def animate_states(
    path: str | Path,
    states: torch.Tensor,
    time: torch.Tensor | Sequence[float],
    mesh: Mesh,
    *,
    duration: float = 5.0,
    most_frames: int = 60,
    **drawn: Any,
) -> None:
    """Write the pictures of `draw_state` one after the other, each with its time, as an animated PNG or GIF.

    path: ends in .png (all colours) or .gif (256 colours, for programs that do not move a PNG). states: (records, 3,
    nz, ny, nx). time: of each record in s, increasing. duration: s that the whole takes to play; it plays in an even
    pace, with the records nearest to `most_frames` even times where there are more. Only records that
    are shown are looked at. drawn: layer, component, geometry, arrows and title, as `draw_state` takes them.

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
    records = list(range(len(times)))
    if len(times) > most_frames:
        even = torch.linspace(float(times[0]), float(times[-1]), most_frames, dtype=torch.float64)
        records = sorted({int((times - t).abs().argmin()) for t in even})
    frames: list[Image.Image] = []
    for record, stamp in zip(records, _stamps(times[records]), strict=True):
        try:
            figure = draw_state(states[record], mesh, **drawn)
        except InputError as error:
            raise InputError(f"record {record}: {error}") from None
        figure.axes[0].set_title(stamp, loc="right", fontsize=TEXT, color=GREY)
        figure.set_dpi(_DPI)
        sheet = FigureCanvasAgg(figure)
        sheet.draw()
        frames.append(Image.fromarray(np.asarray(sheet.buffer_rgba())[..., :3]))
    if path.suffix.lower() == ".gif":
        few = np.concatenate([np.asarray(frame) for frame in frames[:: max(1, len(frames) // 8)]])
        # one palette for all frames: what stands still does not flicker
        palette = Image.fromarray(few).quantize(256, dither=Image.Dither.NONE)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    played = {"duration": _shown(times[records], duration), "append_images": frames[1:], "save_all": True, "loop": 0}
    with replacing(path, remedy="free space or choose another path") as temporary:
        frames[0].save(temporary, format=_FORMATS[path.suffix.lower()], **played)


def _stamps(times: torch.Tensor) -> list[str]:
    largest = float(times.abs().max())
    unit, scale = next(((u, s) for u, s in (("ps", 1e12), ("ns", 1e9), ("µs", 1e6)) if largest * s < 1000), ("s", 1.0))
    differ = (n for n in range(6) if len({f"{float(t) * scale:.{n}f}" for t in times}) == len(times))
    digits = next(differ, 6)
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
