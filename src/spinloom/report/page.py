"""The report as one HTML file, by the template beside this one."""

import base64
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from spinloom.report.claims import claims_table
from spinloom.report.result import StudyResult
from spinloom.report.tables import cell, is_number


def page(result: StudyResult, pictures: Mapping[str, bytes]) -> str:
    """The whole page; pictures: PNG bytes by name of plot."""
    loader = PackageLoader("spinloom", "report")
    made = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    made.filters["cell"], made.tests["figure"] = cell, is_number
    return made.get_template("page.html").render(
        result=result,
        claims=claims_table(result.claims) if result.claims else None,
        pictures={name: base64.b64encode(content).decode() for name, content in pictures.items()},
    )
