"""The official file formats: IDX (MNIST family) and the binary version of CIFAR. Bytes in, arrays out.

IDX (http://yann.lecun.com/exdb/mnist/): two zero bytes, a type code (8: unsigned byte), the number of
dimensions, each dimension as a big-endian 32-bit integer, then the data in C order.
CIFAR binary (https://www.cs.toronto.edu/~kriz/cifar.html): records of label bytes (CIFAR-100: coarse, fine)
and then the red, the green and the blue plane, row by row. There is no header.
"""

import math

import numpy as np

from spinloom.errors import InputError

UNSIGNED_BYTE = 8
IDX_TYPES = (8, 9, 11, 12, 13, 14)


def parse_idx(content: bytes, culprit: str, remedy: str = "get the original file again") -> np.ndarray:
    """The array (any shape, uint8) in the unpacked bytes of an IDX file.

    `culprit` names the file in errors. Raises InputError: not IDX, another type than unsigned byte, more or
    fewer bytes than its header promises.
    """
    shape = _idx_shape(content, culprit, remedy)
    header = 4 + 4 * len(shape)
    expected, found = math.prod(shape), len(content) - header
    if expected != found:
        state = "truncated" if found < expected else "too long"
        raise InputError(
            f"{culprit} is {state}: its header promises {expected} bytes of data, it holds {found}; {remedy}"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def _idx_shape(content: bytes, culprit: str, remedy: str) -> tuple[int, ...]:
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES:
        raise InputError(f"{culprit} is not an IDX file: it begins with {content[:4].hex() or 'nothing'}; {remedy}")
    kind, dimensions = content[2], content[3]
    if kind != UNSIGNED_BYTE:
        raise InputError(f"{culprit} holds IDX type {kind:#04x}, only 0x08 (unsigned byte) is read; {remedy}")
    if dimensions < 1 or len(content) < 4 + 4 * dimensions:
        raise InputError(f"{culprit} is truncated within its IDX header of {dimensions} dimensions; {remedy}")
    return tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))


def parse_cifar(
    content: bytes,
    shape: tuple[int, int, int],
    culprit: str,
    *,
    label_bytes: int = 1,
    remedy: str = "get the original file again",
) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 (n, channels, height, width) and labels int64 (n,) of a CIFAR record file.

    shape: (channels, height, width). label_bytes: labels in front of each record, of which the last
    (CIFAR-100: the fine one) is returned. Raises InputError unless the file is a whole number
    of records, at least one.
    """
    record = label_bytes + math.prod(shape)
    if not content or len(content) % record:
        raise InputError(
            f"{culprit} is truncated or not of the CIFAR binary version: {len(content)} bytes are not whole "
            f"records of {record}; {remedy}"
        )
    table = np.frombuffer(content, np.uint8).reshape(-1, record)
    return table[:, label_bytes:].reshape(-1, *shape).copy(), table[:, label_bytes - 1].astype(np.int64)
