"""What every study shares: a study is one file, a frozen `Settings` and one function that reads from top to bottom.

    @kit.study("What it shows", SIZES)
    def run(run: kit.Run, settings: Settings, size: Any) -> None:

`Settings` inherits parts: `Common`, `Images`, `Weights`, `OnDevice`. `Sizes` holds what has a reduced and a full size.
`Run` opens the folder, brings data, device and network, keeps stages, and collects what the report shows.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
