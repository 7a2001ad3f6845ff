"""What runs ONNX models: sessions, execution providers, the sentence encoder, its heads.

Only this room talks to onnxruntime and to tokenizers.
"""
