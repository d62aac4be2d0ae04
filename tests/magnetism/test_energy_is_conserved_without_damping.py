import torch
from magnets import magnet, state

from spinloom.magnetism import Applied, Constant, Demagnetization, Interlayer, Uniaxial, simulate


def test_energy_stays_within_1e_8_over_10_ns_at_a_step_of_a_tenth_picosecond():
    thing = magnet(
        Uniaxial(4e5, 5e4, (0, 0.1, 1)),
        Demagnetization((0.1, 0.2, 0.7)),
        Applied(Constant(5e4), (1, 0, 1)),
        Interlayer(2e-5, 1.5e-9),
    )
    start = state(0.9, 0.4)
    run = simulate(thing, start, 10e-9, 0.1e-12, records=50)
    energy = torch.stack([thing.energy(m) for m in run.m])
    assert (run.m - start).norm(dim=1).max() > 0.5
    off = (energy / thing.energy(start) - 1).abs().max()
    print(f"energy off by {off:.1e}, |m|^2 by {run.drift:.1e} in a step")
    assert off <= 1e-8
