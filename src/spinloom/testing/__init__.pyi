from .layer import HardwareLayerContract as HardwareLayerContract
