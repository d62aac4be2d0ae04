"""Radio-frequency spectra of drones, in the HDF5 file published with the spintronic network that tells them apart."""

from spinloom.data.spec import DatasetSpec, Download, FileSpec

FILE = FileSpec(
    "RadioSpin_D62_RF_fingerprinting.h5",
    2_060_096,
    "sha256:a9fc628d25a836f26f8ac9934f8bd1de8858306f11622a8b95b54ea4029a79d6",
)
_COMMIT = "3aef332aa6768311d73bbd7eb1de36f86b356d4e"
_MIRRORS = (
    f"https://raw.githubusercontent.com/neurophysics-cnrsthales/rf_spintronic_nn/{_COMMIT}/datasets/{FILE.name}",
    f"https://zenodo.org/records/7646236/files/{FILE.name}?download=1",
)

DRONE_RF = DatasetSpec(
    name="drone-rf",
    title="Drone RF fingerprints (RadioSpin D6.2)",
    layout="spectra",
    shape=(1, 1, 256),
    classes=("dx4e", "dx6i", "MTx", "Nineeg", "Parrot", "q205", "S500", "tello", "WiFi", "wltoys"),
    splits={"train": (FILE,), "test": (FILE,)},
    folders=("drone-rf", ""),
    downloads=(Download(FILE.name, FILE.size, "md5:f3ac7203706cee35c01aa0aa8b9b60d1", _MIRRORS),),
    licence="CC BY 4.0",
    citation=(
        "A. Ross, N. Leroux, A. De Riz et al., Nature Nanotechnology 18, 1273 (2023), Zenodo 7646236; made from the "
        "recordings of S. Basak, S. Rajendran, S. Pollin, B. Scheers, COMSNETS (2021), 548"
    ),
    homepage="https://zenodo.org/records/7646236",
    counts={"train": 702, "test": 298},
)
