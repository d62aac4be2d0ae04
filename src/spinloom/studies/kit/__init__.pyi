from .parts import Common as Common
from .parts import Images as Images
from .parts import OnDevice as OnDevice
from .parts import Sizes as Sizes
from .parts import Weights as Weights
from .parts import study as study
from .run import Run as Run
from .stages import Stages as Stages
