"""The right-hand side of the LLGS equation for everything local, written once.

Plain arithmetic on components: the same source runs on torch tensors (eager, differentiable, any device) and, traced
and compiled (`fused.py`), on the lanes of a batch.
"""

from typing import Any

from spinloom.magnetism.reduced import APPLIED_ROWS, BASE_ROWS, CUBIC_ROWS, POLARIZER_ROWS, UNIAXIAL_ROWS, Layout

Components = tuple[Any, Any, Any]


def llgs(m: Components, noise: Components | None, rows: Any, waves: Any, layout: Layout) -> Components:
    """dm/dt in rad/ns, Gilbert form solved for dm/dt:

        dm/dt = -[m x W + damping m x (m x W)] / (1 + damping^2),   W = field + sum_p a_p (m x p) + b_p p

    A torque -a m x (m x p) is the precession around the field-like quantity a (m x p), so every torque is a part of W
    and damping acts on it as Gilbert's equation demands.

    m: components. noise: thermal field and what other cells add to W, as a rate, or None. rows: reduced parameters
    in the order of `reduced.py`. waves: the waveform of every drive channel at this instant.
    """
    x, y, z = m
    wx, wy, wz = (rows[6 + k] - rows[3 + k] * m[k] for k in range(3))
    if noise is not None:
        wx, wy, wz = wx + noise[0], wy + noise[1], wz + noise[2]
    at, channel = BASE_ROWS, 0
    for _ in range(layout.uniaxial):
        ux, uy, uz, k1, k2, per_drive = (rows[at + k] for k in range(UNIAXIAL_ROWS))
        c = ux * x + uy * y + uz * z
        h = (k1 + per_drive * waves[channel] + k2 * c * c) * c
        wx, wy, wz = wx + h * ux, wy + h * uy, wz + h * uz
        at, channel = at + UNIAXIAL_ROWS, channel + 1
    for _ in range(layout.polarizers):
        px, py, pz, damping_like, field_like = (rows[at + k] for k in range(5))
        g = waves[channel]
        if layout.angular:
            g = g / (rows[at + 5] + rows[at + 6] * (px * x + py * y + pz * z))
        a, b = g * damping_like, g * field_like
        wx = wx + a * (y * pz - z * py) + b * px
        wy = wy + a * (z * px - x * pz) + b * py
        wz = wz + a * (x * py - y * px) + b * pz
        at, channel = at + POLARIZER_ROWS, channel + 1
    for _ in range(layout.applied):
        g = waves[channel]
        wx, wy, wz = wx + g * rows[at], wy + g * rows[at + 1], wz + g * rows[at + 2]
        at, channel = at + APPLIED_ROWS, channel + 1
    for _ in range(layout.cubic):
        axes = [[rows[at + 3 * k + c] for c in range(3)] for k in range(3)]
        a, b, c = (u[0] * x + u[1] * y + u[2] * z for u in axes)
        k1, k2 = rows[at + 9], rows[at + 10]
        aa, bb, cc = a * a, b * b, c * c
        ha = -(a * (k1 * (bb + cc) + k2 * (bb * cc)))
        hb = -(b * (k1 * (cc + aa) + k2 * (cc * aa)))
        hc = -(c * (k1 * (aa + bb) + k2 * (aa * bb)))
        wx = wx + ha * axes[0][0] + hb * axes[1][0] + hc * axes[2][0]
        wy = wy + ha * axes[0][1] + hb * axes[1][1] + hc * axes[2][1]
        wz = wz + ha * axes[0][2] + hb * axes[1][2] + hc * axes[2][2]
        at = at + CUBIC_ROWS
    relaxing, turning = rows[0], rows[1]
    tx, ty, tz = y * wz - z * wy, z * wx - x * wz, x * wy - y * wx
    return (
        -(turning * tx + relaxing * (y * tz - z * ty)),
        -(turning * ty + relaxing * (z * tx - x * tz)),
        -(turning * tz + relaxing * (x * ty - y * tx)),
    )
