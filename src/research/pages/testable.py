"""A notebook that the data cannot answer says so and stops; its run goes on."""

from __future__ import annotations

from research.errors import NotTestable
from research.exhibits.words import N_, Said
from research.pages.show import answer, banner, say
from research.parameters import Study
from research.study.collect import about
from research.study.testable import why_not

NOT_HERE = N_("Not testable here: {reason}.")


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
        kind, words = about(study)["banner"]
        banner(kind, Said("{words}", {"words": words}))
        answer(Said(NOT_HERE, {"reason": reason}))
        raise NotTestable(f"not testable here: {reason}")
