"""A notebook that the data cannot answer says so and stops; its run goes on."""

from __future__ import annotations

from research.errors import NotTestable
from research.exhibits.words import Said
from research.parameters import Study
from research.report.exhibit import answer, banner
from research.report.show import say
from research.study.collect import about
from research.study.testable import why_not


def end(sentence: Said) -> None:
    """Say why a notebook goes no further, and end it here; what was shown is the page. Raises NotTestable."""
    say("end", sentence)
    raise NotTestable(str(sentence))


def answerable(study: Study, notebook: str) -> None:
    """Go on when the data can answer a notebook's question; otherwise show why not, and end the notebook here.

    Raises NotTestable, at which a run takes what was shown for the whole page.
    """
    reason = why_not(study, notebook)
    if reason:
        banner(*about(study)["banner"])
        answer("Not testable here: {reason}.", reason=reason)
        raise NotTestable(f"not testable here: {reason}")
