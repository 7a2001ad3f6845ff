"""What the two graphs of an encoder-decoder model have in common."""

from __future__ import annotations

import numpy as np

from edge_export.graph.builder import CONTRIB, GraphBuilder
from edge_export.graph.seq2seq_config import FeedForwardNames, Seq2Seq, Side
from edge_export.graph.weights import Weights


class Stack:
    """The parts that the encoder's and the decoder's graph are put together from.

    :param graph: Gets the nodes.
    :param sizes: The model's sizes and names.
    :param weights: In the precision of the side.
    :param side: The encoder or the decoder.
    """

    def __init__(self, graph: GraphBuilder, sizes: Seq2Seq, weights: Weights, side: Side) -> None:
        self.graph = graph
        self.sizes = sizes
        self.weights = weights
        self.side = side
        self.norms: list[str] = []
        """Norms of the parts, in order."""
        for i in range(len(side.self_attention)):
            self.norms.append(side.self_attention[i].norm)
            self.norms += [cross.norm for cross in side.cross_attention[i : i + 1]]
            self.norms.append(side.feed_forward[i].norm)

    def embedded(self, positions: str | None) -> str:
        """Scaled embeddings of ``input_ids`` with their positions.

        :param positions: Embeddings of the positions; None where the model has none.
        """
        x = self.weights.embed(self.graph, "input_ids", self.side.embedding, "embedded")
        x = self.scaled(x, self.sizes.embedding_scale)
        if positions is not None:
            x = self.graph.node("Add", [x, positions], ["embedded_at"])
        if self.side.first_norm is not None:
            x = self.norm(x, self.side.first_norm, "embedded_norm")
        return x

    def begin(self, x: str) -> tuple[str, str]:
        """Input of the first part, and the residual.

        :param x: The embeddings.
        """
        if not self.sizes.normalizes_before:
            return x, x
        return self.norm(x, self.norms[0], "hidden_0"), x

    def add(self, residual: str, x: str, n_parts: int) -> tuple[str, str]:
        """Input of the next part, and the residual.

        :param residual: Of the part that ends.
        :param x: Its result.
        :param n_parts: Parts that have ended with it.
        """
        output = f"hidden_{n_parts}"
        if not self.sizes.normalizes_before:
            hidden, _ = self.add_and_norm(residual, x, self.norms[n_parts - 1], output)
            return hidden, hidden
        following = [*self.norms, self.side.last_norm or ""][n_parts]
        return self.add_and_norm(residual, x, following, output)

    def norm(self, x: str, name: str, output: str) -> str:
        """Norm of one input.

        :param x: The input.
        :param name: Of the norm's layer.
        :param output: Name of the result.
        """
        op = "LayerNormalization" if self.sizes.has_mean_norm else "SimplifiedLayerNormalization"
        inputs = [x, *self._norm_weights(name)]
        return self.graph.node(op, inputs, [output], epsilon=self.sizes.norm_epsilon, axis=-1)

    def add_and_norm(self, residual: str, x: str, name: str, output: str) -> tuple[str, str]:
        """Sum of two and its norm.

        :param residual: One of the two.
        :param x: The other.
        :param name: Of the norm's layer.
        :param output: Name of the norm.
        :return: (norm, sum)
        """
        kind = "" if self.sizes.has_mean_norm else "Simplified"
        self.graph.node(
            f"Skip{kind}LayerNormalization",
            [residual, x, *self._norm_weights(name)],
            [output, "", "", f"{output}_sum"],
            domain=CONTRIB,
            epsilon=self.sizes.norm_epsilon,
        )
        return output, f"{output}_sum"

    def feed_forward(self, names: FeedForwardNames, x: str, tag: str) -> str:
        """A feed-forward part.

        :param names: Its layers.
        :param x: Its input.
        :param tag: Ends the names of its nodes.
        """
        graph = self.graph
        inner = self.weights.linear(graph, x, names.inner[:1], f"inner_{tag}")
        inner = self._activate(inner, f"activated_{tag}")
        if len(names.inner) > 1:
            through = self.weights.linear(graph, x, names.inner[1:], f"through_{tag}")
            inner = graph.node("Mul", [inner, through], [f"gated_{tag}"])
        return self.weights.linear(graph, inner, [names.output], f"feed_forward_{tag}")

    def split_linear(self, x: str, names: list[str], tag: str) -> list[str]:
        """``x`` through layers of one width, multiplied as one.

        :param x: The input.
        :param names: The layers.
        :param tag: Ends the names of the nodes.
        :return: A result of each layer.
        """
        packed = self.weights.linear(self.graph, x, names, f"packed_{tag}")
        parts = [f"packed_{tag}_{k}" for k in range(len(names))]
        self.graph.node("Split", [packed], parts, axis=-1)
        return parts

    def scaled(self, x: str, scale: float) -> str:
        """``x`` times a number.

        :param x: The input.
        :param scale: The number; nothing is added for 1.
        """
        if scale == 1:
            return x
        factor = self.graph.weight(f"{x}_scale", np.array(scale, self.weights.dtype))
        return self.graph.node("Mul", [x, factor], [f"{x}_scaled"])

    def _norm_weights(self, name: str) -> list[str]:
        names = (
            [f"{name}.weight", f"{name}.bias"] if self.sizes.has_mean_norm else [f"{name}.weight"]
        )
        return [self.weights.vector(self.graph, n) for n in names]

    def _activate(self, x: str, output: str) -> str:
        op, domain = {
            "relu": ("Relu", ""),
            "gelu": ("Gelu", CONTRIB),
            "gelu_tanh": ("FastGelu", CONTRIB),
        }[self.sizes.activation]
        return self.graph.node(op, [x], [output], domain=domain)
