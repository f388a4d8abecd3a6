"""Keras in a process of its own, which does what it is asked for line by line: it takes seconds to import, and its threads do
not belong into a process that starts others.

    with KerasProcess() as keras:
        probabilities = keras.predict("tagger.weights.h5", [{"pitches": values}])
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class KerasProcess:
    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def predict(self, weights, batches, changed=None):
        """Tags, and probabilities of every batch, a dictionary of features each, by the model of an exported file. With
        `changed` its weights are then changed at random and saved there, and the first batch comes once more."""
        with tempfile.TemporaryDirectory() as folder:
            songs = Path(folder) / "songs.npz"
            numpy.savez(songs, **{f"{number}/{name}": values for number, batch in enumerate(batches)
                                  for name, values in batch.items()})
            request = {"weights": str(weights), "songs": str(songs), "changed": changed and str(changed),
                       "answer": folder + "/answer.npz"}
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline() or '"the process has ended"')
            assert isinstance(answer, list), answer
            with numpy.load(request["answer"]) as found:
                return answer, [found[name] for name in sorted(found, key=int)]


def serve():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    # Each network and each length is compiled, to be used once.
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    answers, sys.stdout = sys.stdout, sys.stderr
    sys.path.insert(0, str(SCRIPTS))
    import keras_model

    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = respond(keras_model, request)
        except Exception as error:  # told to the test, which fails
            answer = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), file=answers, flush=True)


def respond(keras_model, request):
    """Predicts, and returns the tags."""
    model, tags = keras_model.load(request["weights"])
    with numpy.load(request["songs"]) as songs:
        count = 1 + max(int(name.split("/")[0]) for name in songs)
        batches = [[songs[f"{number}/{one.name}"] for one in model.inputs] for number in range(count)]

    def predict(values):
        return model.predict(values if len(values) > 1 else values[0], verbose=0, batch_size=128)

    found = [predict(values) for values in batches]
    if request["changed"]:
        change(model)
        keras_model.save(model, keras_model.read_description(request["weights"]), request["changed"])
        found.append(predict(batches[0]))
    numpy.savez(request["answer"], **{str(number): values for number, values in enumerate(found)})
    return tags


def change(model):
    """All weights but those that inputs are scaled by, which a compiled model has for constants."""
    random = numpy.random.default_rng(5)
    # A branch of whole songs is a model within the model.
    inner = [layer for layer in model.layers if hasattr(layer, "get_layer")]
    for layer in [one for one in model.layers if one not in inner] + [one for part in inner for one in part.layers]:
        if not hasattr(layer, "finalize_state"):
            layer.set_weights([(values * random.uniform(0.8, 1.2, values.shape)).astype(values.dtype)
                               for values in layer.get_weights()])


if __name__ == "__main__":
    serve()
