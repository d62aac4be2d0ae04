from .device import DesignContract as DesignContract
from .device import DeviceContract as DeviceContract
from .layer import HardwareLayerContract as HardwareLayerContract
from .memory import MemoryContract as MemoryContract
