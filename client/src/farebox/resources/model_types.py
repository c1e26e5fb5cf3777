"""What can be trained."""

from farebox.operations import Group, S, listing
from farebox.resources.pages import every_page, list_of
from farebox.results.models import ModelType
from farebox.steps import Emits


class ModelTypes(Group[S]):
    """The types of model."""

    @listing
    def list(self) -> Emits[ModelType]:
        """The types, with their parameters as JSON Schema."""
        return every_page(self.exchange, list_of("/v1/model-types", ModelType, authorized=False))
