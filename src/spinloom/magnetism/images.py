"""Masks from pictures."""

from pathlib import Path

import numpy as np
import torch

from spinloom.errors import InputError
from spinloom.magnetism.masks import require_material
from spinloom.magnetism.mesh import Mesh


def from_image(mesh: Mesh, path: str | Path, threshold: float = 0.5, invert: bool = False) -> torch.Tensor:
    """A picture (PNG, TIFF, ... read by Pillow), averaged or stretched onto the grid: its top is at +y.

    Cells darker than `threshold` (0 black, 1 white; transparent is white) are material, with `invert` the brighter
    ones. (nz, ny, nx). Raises InputError for a file that is missing or cannot be read.
    """
    if not 0 < threshold < 1:
        raise InputError(f"threshold must lie between 0 (black) and 1 (white), got {threshold}")
    brightness = torch.from_numpy(_brightness(Path(path), mesh.cells[:2])).flip(0)
    mask = brightness > threshold if invert else brightness < threshold
    require_material(mask, mesh)
    return mask.expand(mesh.shape).contiguous()


def _brightness(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(ny, nx), 0 black to 1 white, top row first; each cell the mean of the pixels under it."""
    from PIL import Image  # only here: it is slow to import

    try:
        with Image.open(path) as picture:
            if picture.mode.startswith("I"):  # 16 bits, which a conversion to "L" would clip
                grey = Image.fromarray(np.asarray(picture, dtype=np.float32) / 65535)
            elif picture.mode == "F":
                raise InputError(f"{path} holds floating-point pixels of unknown scale; save it with 8 or 16 bits")
            else:
                layers = picture.convert("RGBA")
                white = Image.new("RGBA", layers.size, "white")
                flat = Image.alpha_composite(white, layers).convert("L")
                grey = Image.fromarray(np.asarray(flat, dtype=np.float32) / 255)
            return np.array(grey.resize(size, Image.Resampling.BOX))
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"there is no image {path}") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"cannot read {path} as an image: {error}; use a PNG") from error
