"""The model workshop: networks, training, export to the model contract, evaluation."""
