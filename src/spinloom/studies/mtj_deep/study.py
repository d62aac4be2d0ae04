"""The study from settings to report."""

from time import perf_counter

from rich.console import Console

from spinloom import __version__
from spinloom.data import load_pair, resolve
from spinloom.devices.mtj_neuron import TwoPolarizerMTJ
from spinloom.devices.parameters import with_parameters
from spinloom.errors import InputError
from spinloom.evaluation.report import publish
from spinloom.evaluation.result import StudyResult
from spinloom.evaluation.stages import Stages
from spinloom.files import write_text
from spinloom.learning.compute import Compute
from spinloom.learning.shipped import resolve_weights
from spinloom.learning.weights import save_weights
from spinloom.studies.mtj_deep.measurements import Bench
from spinloom.studies.mtj_deep.outcome import Run, outcome
from spinloom.studies.mtj_deep.plan import Plan, plan_of
from spinloom.studies.mtj_deep.settings import Settings
from spinloom.studies.mtj_deep.software import given, trained
from spinloom.studies.mtj_transfer.junctions import Junctions, measured, simulated
from spinloom.studies.registry import command


def carry_out(settings: Settings) -> StudyResult:
    """Train or load, convert, measure, tune, write, print. Finished stages of an earlier run are taken from `out`."""
    began = perf_counter()
    progress = Console(stderr=True)
    plan = plan_of(settings)
    junctions = _junctions(settings, plan)
    choice = resolve(settings.dataset, preferred="cifar10")
    progress.print(choice.reason, highlight=False, markup=False)
    write_text(settings.out / ".cache" / "command.txt", command("mtj-deep", settings) + "\n")  # fail early
    train, test = load_pair(choice.name, train_limit=plan.train_images, test_limit=plan.test_images)
    stages = Stages(settings.out / ".cache", {"data": train.source, "name": train.name, "seed": settings.seed})
    if settings.weights:
        software = given(resolve_weights(settings.weights), settings, plan, train)
    else:
        software = trained(settings, plan, train, stages)
    progress.print(f"Software network: {software.origin}.", highlight=False, markup=False)
    known = {"weights": software.digest, "junctions": junctions.identity, "version": __version__}
    bench_stages = Stages(settings.out / ".cache", {"name": test.name, "seed": settings.seed, **known})
    compute = Compute(settings.accelerator, settings.devices, settings.precision)
    bench = Bench(software, junctions, (train, test), plan, settings.seed, bench_stages, compute)
    found = bench.measure(settings.spread)
    result = outcome(Run(settings, plan, test, choice.reason, software, junctions, found, perf_counter() - began))
    save_weights(software.network, settings.out / "network.safetensors")
    publish(result, settings.out)
    return result


def _junctions(settings: Settings, plan: Plan) -> Junctions:
    if settings.response and settings.junction:
        raise InputError("--junction changes the simulated junction, --response replaces it; give one of them")
    if settings.response:
        return measured(settings.response)
    device = with_parameters(TwoPolarizerMTJ(), settings.junction)
    return simulated(device, settings.temperature, plan.devices, settings.seed)
