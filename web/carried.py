"""What is to be said on the next page, where no cookie can keep it: it travels in the address, signed, for a minute."""

from urllib.parse import urlencode

from flask import current_app, flash, request, session
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from web.visitor import hub

NAME, KEPT = "said", "_flashes"
AGE_US = 60_000_000


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt=NAME)


def take() -> None:
    """Say what the page before left to say. Whatever we did not sign is nothing."""
    if words := request.args.get(NAME):
        try:
            at, left = _signer().loads(words)
            for kind, text in left if hub().now - at <= AGE_US else ():
                flash(text, kind)
        except (BadData, TypeError, ValueError):
            return


def carry(answer: Response) -> None:
    """Leave it to the page that this answer leads to, and keep nothing else."""
    left = session.get(KEPT)
    session.clear()
    session.modified = False
    if left and answer.location:
        said = urlencode({NAME: _signer().dumps([hub().now, [list(one) for one in left]])})
        answer.location += f"{'&' if '?' in answer.location else '?'}{said}"
