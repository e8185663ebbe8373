"""Keras 3 on the torch back end: fit, evaluate, predict, callbacks, saving, a loop of its own."""

import json
import os
import tempfile

os.environ["KERAS_BACKEND"] = "torch"

import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from keras import layers  # noqa: E402

assert keras.backend.backend() == "torch"
device = "cuda" if torch.cuda.is_available() else "cpu"
rng = np.random.default_rng(0)
x = rng.normal(size=(192, 16, 16, 1)).astype("float32") * 0.3
labels = np.arange(192) % 3
for picture, label in zip(x, labels):
    picture[4 * label:4 * label + 4, :, 0] += 1.0


def set_weights(model):
    """Numbers that do not depend on where they are drawn."""
    draws = np.random.default_rng(1)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            weight.assign(draws.normal(size=weight.shape).astype("float32") * 0.15)


def convolutional():
    model = keras.Sequential([
        layers.Input((16, 16, 1)), layers.Conv2D(8, 3, activation="relu"),
        layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(32, activation="relu"), layers.Dropout(0.0),
        layers.Dense(3, activation="softmax")])
    set_weights(model)
    model.compile(optimizer=keras.optimizers.Adam(2e-3), metrics=["accuracy"],
                  loss="sparse_categorical_crossentropy")
    return model


model = convolutional()
assert model.trainable_weights[0].value.device.type == device
with tempfile.TemporaryDirectory() as folder:
    history = model.fit(
        x[:160], labels[:160], batch_size=16, epochs=5, shuffle=False, verbose=0,
        validation_data=(x[160:], labels[160:]),
        callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=4),
                   keras.callbacks.ReduceLROnPlateau("val_loss", patience=2),
                   keras.callbacks.ModelCheckpoint(os.path.join(folder, "best.keras"),
                                                   save_best_only=True)]).history
    loaded = keras.models.load_model(os.path.join(folder, "best.keras"))
    held_out = loaded.evaluate(x[160:], labels[160:], verbose=0)
    predictions = loaded.predict(x[160:], verbose=0)
assert history["loss"][-1] < 0.5 * history["loss"][0], history
assert np.isclose(held_out[0], min(history["val_loss"]), rtol=1e-4), (held_out, history)
assert predictions.shape == (32, 3) and np.allclose(predictions.sum(1), 1, atol=1e-5)

# A recurrent and attending model, trained by a loop over torch itself.
tokens = rng.integers(1, 30, (64, 10))
inputs = layers.Input((10,), dtype="int32")
hidden = layers.Embedding(30, 16)(inputs)
hidden = layers.LSTM(16, return_sequences=True)(hidden)
hidden = layers.MultiHeadAttention(2, 8)(hidden, hidden)
outputs = layers.Dense(1)(layers.GlobalAveragePooling1D()(layers.LayerNormalization()(hidden)))
network = keras.Model(inputs, outputs)
set_weights(network)
wanted = torch.as_tensor((tokens.mean(1, keepdims=True) / 15 - 1).astype("float32"), device=device)
optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
losses = []
for _ in range(12):
    loss = torch.nn.functional.mse_loss(network(tokens), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
assert losses[-1] < 0.5 * losses[0], losses

keras.mixed_precision.set_global_policy("mixed_bfloat16")
mixed = convolutional()
mixed_losses = mixed.fit(x, labels, batch_size=16, epochs=3, shuffle=False, verbose=0)
assert mixed_losses.history["loss"][-1] < mixed_losses.history["loss"][0]
print(json.dumps({"losses": history["loss"], "validations": history["val_loss"],
                  "loop": losses}))
