"""What runs ONNX models: sessions, execution providers, the sentence encoder, its heads."""
