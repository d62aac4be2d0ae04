"""Colours for directions, as MuMax3 and OOMMF show a magnetisation, and the key to them."""

import torch
from matplotlib.axes import Axes

from spinloom.report.style import GREY, TEXT

OUTSIDE = "#D9D9D9"
"""Where there is no material: neither the white nor the black of a perpendicular state."""
_KEY_PIXELS = 240


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
