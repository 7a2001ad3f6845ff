"""A static table in place of the model: each token one vector, a sentence their mean.

The table is fitted to a bundle's own vectors of the training sentences, by ridge regression
towards the vectors of single tokens, which stand in for words the sentences do not have. The
result is a bundle like any other: its ONNX graph is a lookup. After model2vec's idea of
distilling a sentence encoder into its vocabulary (Minish Lab, MIT).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from edge.arrays import Float32Array
from edge.bundles.manifest import Bundle
from edge.bundles.store import install_bundle
from edge.runtime.encoder import Encoder
from edge_export.build.encoder import golden_sample
from edge_export.data.documents import data_hashes, read_documents
from edge_export.data.vector_cache import VectorCache
from edge_export.extras import require
from edge_export.gates.embeddings import certify, compare
from edge_export.gates.seeds import seed_sentences
from edge_export.log import Log
from edge_export.manifest import ModelIdentity, draft_manifest, write_manifest
from edge_export.recipe import Gate

ALPHA = 0.05
"""Pull towards the single tokens' vectors."""
MAX_ITERATIONS = 180
"""Steps of the fit; docs/adr/0009-static-table.md has how near fewer come."""
GATE = Gate(min_mean_cosine=0.7)
"""A table knows no word order: it is a lesser model, not a copy."""
TOOLS = ("numpy", "scipy", "scikit-learn", "onnx", "onnxruntime", "tokenizers")
OPSET, IR_VERSION = 17, 8


def distill_bundle(
    teacher: Bundle, data: Path, cache: Path, output: Path, seeds: Path, log: Log
) -> Bundle:
    """Fit a table to a bundle's vectors and write it as a bundle, without heads yet.

    :param teacher: The bundle to imitate.
    :param data: Folder of the training files; their labels are not looked at.
    :param cache: Folder of sentence vectors.
    :param output: Bundle folder to write; replaced as a whole if it exists.
    :param seeds: Transcripts whose sentences the gate compares.
    :param log: Told of each step.
    :raises ExportError: If data are missing or the gate refuses.
    """
    require(("onnx", "sklearn"), "distilling", "export,train")
    encoder = Encoder(teacher)
    documents = [document for document in read_documents(data) if document.for_training]
    texts = sorted({s.text for document in documents for s in document.sentences})
    vectors = VectorCache(cache, encoder)
    vectors.add(texts, log)
    log(f"fitting a table to {len(texts)} sentences")
    table = fit_table(encoder, texts, vectors.get(texts))
    with tempfile.TemporaryDirectory(prefix="edge-distill-") as temporary:
        draft = _draft(teacher, table, data_hashes(data), len(texts), Path(temporary))
        sentences = seed_sentences(seeds)
        log(f"comparing with {teacher.id} on {len(sentences)} sentences")
        student = Encoder(draft)
        report = compare(encoder.encode(sentences), student.encode(sentences))
        log(f"mean cosine {report.mean_cosine:.4f}, top-10 agreement {report.top10_agreement:.4f}")
        manifest = replace(
            draft.manifest,
            certificate=certify(report, GATE, "static", f"{teacher.id}, seed sentences"),
            golden=golden_sample(student),
        )
        finished = write_manifest(draft.folder, manifest)
        return install_bundle(finished.folder, output, replace_existing=True)


def fit_table(encoder: Encoder, texts: Sequence[str], vectors: Float32Array) -> Float32Array:
    """One vector a token, so that the mean over a text's tokens is near the model's vector.

    :param encoder: The model to imitate.
    :param texts: What to fit on.
    :param vectors: The model's vectors of the texts, shape (texts, dimension).
    :return: Shape (tokens, dimension); markers such as the padding are zero.
    """
    from scipy.sparse.linalg import LinearOperator, cg

    tokenizer = Tokenizer.from_file(str(encoder.bundle.path("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    counts = _token_shares(tokenizer, texts)
    prior = _single_tokens(encoder, tokenizer)
    guess = counts @ prior
    prior *= float((guess * vectors).sum() / (guess * guess).sum())

    def normal(flat: Float32Array) -> Float32Array:
        columns = flat.reshape(prior.shape)  # all at once: far faster than one by one
        product: Float32Array = (counts.T @ (counts @ columns) + ALPHA * columns).ravel()
        return product

    n = prior.size
    wanted = counts.T @ (vectors - counts @ prior)
    operator = LinearOperator((n, n), matvec=normal, dtype=np.float32)
    change, _ = cg(operator, wanted.ravel(), maxiter=MAX_ITERATIONS)
    table: Float32Array = (prior + change.reshape(prior.shape)).astype(np.float32)
    spec = encoder.spec
    table[[spec.pad_token_id, spec.cls_token_id, spec.sep_token_id]] = 0.0
    return table


def _token_shares(tokenizer: Tokenizer, texts: Sequence[str]) -> Any:
    """Each token's share of each text, a sparse matrix of shape (texts, tokens)."""
    from scipy.sparse import csr_matrix

    ids = [e.ids for e in tokenizer.encode_batch(list(texts), add_special_tokens=False)]
    n_tokens = [len(tokens) for tokens in ids]
    rows = np.repeat(np.arange(len(ids)), n_tokens)
    shares = np.repeat([1.0 / max(1, n) for n in n_tokens], n_tokens)
    columns = np.concatenate([np.asarray(tokens, np.int64) for tokens in ids])
    shape = (len(ids), tokenizer.get_vocab_size())
    return csr_matrix((shares.astype(np.float32), (rows, columns)), shape=shape)


def _single_tokens(encoder: Encoder, tokenizer: Tokenizer) -> Float32Array:
    """The model's vector of each token alone, longer the rarer it is."""
    size = tokenizer.get_vocab_size()
    alone = encoder.encode_tokens([[token] for token in range(size)])
    rank = np.log1p(np.arange(size, dtype=np.float32))
    scaled: Float32Array = alone * rank[:, None]
    return scaled


def table_to_onnx(table: Float32Array) -> bytes:
    """The lookup as ONNX: ``input_ids`` in, ``last_hidden_state`` out, a row an INT8 vector.

    :param table: Shape (tokens, dimension).
    """
    from onnx import TensorProto, helper, numpy_helper

    scale = np.abs(table).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1.0
    rows = np.rint(table / scale).astype(np.int8)
    nodes = [
        helper.make_node("Gather", ["rows", "input_ids"], ["row"]),
        helper.make_node("Cast", ["row"], ["row_float"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["scale", "input_ids"], ["row_scale"]),
        helper.make_node("Mul", ["row_float", "row_scale"], ["last_hidden_state"]),
    ]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    out = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", table.shape[1]]
    )
    initializers = [
        numpy_helper.from_array(rows, "rows"),
        numpy_helper.from_array(scale.astype(np.float32), "scale"),
    ]
    graph = helper.make_graph(nodes, "static", [ids], [out], initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="edge-insights"
    )
    model.ir_version = IR_VERSION
    return bytes(model.SerializeToString())


def _draft(
    teacher: Bundle, table: Float32Array, hashes: dict[str, str], n_texts: int, folder: Path
) -> Bundle:
    (folder / "model.onnx").write_bytes(table_to_onnx(table))
    shutil.copyfile(teacher.path("tokenizer.json"), folder / "tokenizer.json")
    known = teacher.manifest
    origin = {
        **known.origin,
        "distilled_from": {"bundle": teacher.id, "sha256": teacher.sha256},
        "sentences": n_texts,
        "data_sha256": hashes,
    }
    model = ModelIdentity(f"{known.name}-static", known.task, known.licence, origin)
    quantization = {"scheme": "one scale a row", "weights": "int8"}
    manifest = draft_manifest(model, "int8", quantization, TOOLS, folder)
    manifest = replace(manifest, encoder=known.encoder, golden=known.golden)
    return write_manifest(folder, manifest)
