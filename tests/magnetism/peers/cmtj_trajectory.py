"""One free layer with spin torque in cmtj, in a process of its own: python cmtj_trajectory.py SETTINGS_JSON.

Prints time and state as JSON. cmtj logs the state after a step under the time before it, so one step is added.
"""

import json
import sys

import cmtj


def vector(components) -> cmtj.CVector:
    return cmtj.CVector(*components)


def main() -> None:
    s = json.loads(sys.argv[1])
    layer = cmtj.Layer.createSTTLayer(
        "free",
        vector(s["m"]),
        vector(s["axis"]),
        s["mu0_ms"],
        s["thickness"],
        s["area"],
        [cmtj.CVector(*(n if i == j else 0.0 for j in range(3))) for i, n in enumerate(s["demag"])],
        s["damping"],
        SlonczewskiSpacerLayerParameter=s["lambda"],
        beta=s["beta"],
        spinPolarisation=s["polarization"],
    )
    layer.setReferenceLayer(vector(s["polarizer"]))
    junction = cmtj.Junction([layer])
    junction.setLayerAnisotropyDriver("free", cmtj.constantDriver(s["k"]))
    junction.setLayerExternalFieldDriver("free", cmtj.AxialDriver(*s["field"]))
    if s["current"]:
        junction.setLayerCurrentDriver("free", cmtj.constantDriver(s["current"]))
    junction.runSimulation(s["duration"], s["step"], s["every"], False, False, cmtj.SolverMode.RK4)
    log = junction.getLog()
    m = [log[f"free_m{axis}"] for axis in "xyz"]
    print(json.dumps({"time": [t + s["step"] for t in log["time"]], "m": m}))


if __name__ == "__main__":
    main()
