"""The world of the matrix, in which everything that a path can name is there, for those who ask with bad intent."""

from tests.matrix.conftest import routes, run, runner, the_world_template

__all__ = ["routes", "run", "runner", "the_world_template"]
