"""Device-steps per second of cmtj on one free layer with one spin torque; run in a process of its own.

    python cmtj_macrospin.py MODE TEMPERATURE DEVICES STEPS

MODE "loop" runs device after device, "threads" two at a time in Python threads. Prints one number.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cmtj

STEP = 1e-12


def junction(temperature: float) -> cmtj.Junction:
    demag = [cmtj.CVector(0.02, 0, 0), cmtj.CVector(0, 0.02, 0), cmtj.CVector(0, 0, 0.96)]
    layer = cmtj.Layer.createSTTLayer(
        "free",
        cmtj.CVector(0.1, 0.0, 0.995),
        cmtj.CVector(0, 0, 1),
        0.377,
        1.6e-9,
        1.13e-14,
        demag,
        0.01,
        SlonczewskiSpacerLayerParameter=1.0,
        beta=0.1,
        spinPolarisation=0.6,
    )
    layer.setReferenceLayer(cmtj.CVector(1, 0, 0))
    device = cmtj.Junction([layer])
    device.setLayerAnisotropyDriver("free", cmtj.constantDriver(8e4))
    device.setLayerExternalFieldDriver("free", cmtj.AxialDriver(0.0, 0.0, 1e4))
    device.setLayerCurrentDriver("free", cmtj.constantDriver(1e10))
    if temperature > 0:
        device.setLayerTemperatureDriver("free", cmtj.constantDriver(temperature))
    return device


def run(temperature: float, steps: int) -> None:
    duration = steps * STEP
    solver = cmtj.SolverMode.Heun if temperature > 0 else cmtj.SolverMode.RK4
    junction(temperature).runSimulation(duration, STEP, duration, False, False, solver)


def main() -> None:
    mode, temperature, devices, steps = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    run(temperature, steps)
    begin = time.perf_counter()
    if mode == "threads":
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _: run(temperature, steps), range(devices)))
    else:
        for _ in range(devices):
            run(temperature, steps)
    print(devices * steps / (time.perf_counter() - begin))


if __name__ == "__main__":
    main()
