from .device import DesignContract as DesignContract
from .device import DeviceContract as DeviceContract
from .device import MemoryContract as MemoryContract
from .layer import HardwareLayerContract as HardwareLayerContract
