"""Pictures of magnetisation states."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spinloom.errors import InputError, unknown_name
from spinloom.magnetism import Mesh, require_mask
from spinloom.report.state_colours import OUTSIDE, draw_key, hue
from spinloom.report.style import GREY, TEXT, canvas, label

_ARROWS = 20
"""Along each side of a square."""
_WIDEST, _TALLEST = 7.4, 5.4
"""Of a map, in inches."""


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
    inside = _material(m, mesh, geometry)[_layer(layer, mesh)]
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
    image = axis.imshow(
        colours,
        "RdBu_r",
        vmin=-1,
        vmax=1,
        origin="lower",
        interpolation="nearest",
        extent=(-x / 2, x / 2, -y / 2, y / 2),
    )
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


def _layer(layer: int, mesh: Mesh) -> int:
    if not 0 <= layer < mesh.shape[0]:
        raise InputError(f"layer must be from 0 to {mesh.shape[0] - 1}, got {layer}")
    return layer


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
    for line in axis.spines.values():
        line.set_visible(True)
        line.set_color(GREY)
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
