"""lightning.Trainer(accelerator="gpu", devices=1): 32, bf16-mixed and 16-mixed precision,
validation, checkpoints, early stopping, resuming."""

import json
import tempfile
import warnings

import lightning as L
import torch
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore", ".*num_workers.*")
CUDA = torch.cuda.is_available()


class Classifier(L.LightningModule):
    def __init__(self, width=64):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(16, width), nn.ReLU(), nn.BatchNorm1d(width),
                                    nn.Linear(width, 3))
        self.losses, self.validations = [], []

    def training_step(self, batch, index):
        x, y = batch
        loss = nn.functional.cross_entropy(self.layers(x), y)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        self.losses.append(loss.detach())
        return loss

    def validation_step(self, batch, index):
        x, y = batch
        guess = self.layers(x)
        self.log("accuracy", (guess.argmax(1) == y).float().mean())
        self.log("validation_loss", nn.functional.cross_entropy(guess, y))

    def on_validation_epoch_end(self):
        self.validations.append(self.trainer.callback_metrics["accuracy"].item())

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)]


def loaders():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(320, 16, generator=generator)
    y = (x @ torch.randn(16, 3, generator=generator)).argmax(1)
    train = DataLoader(TensorDataset(x[:256], y[:256]), batch_size=32, shuffle=True,
                       generator=torch.Generator().manual_seed(2))
    return train, DataLoader(TensorDataset(x[256:], y[256:]), batch_size=32)


def trainer(folder, precision, epochs, callbacks=()):
    return L.Trainer(accelerator="gpu" if CUDA else "cpu", devices=1, precision=precision,
                     max_epochs=epochs, default_root_dir=folder, gradient_clip_val=1.0,
                     accumulate_grad_batches=2, callbacks=list(callbacks), log_every_n_steps=2,
                     logger=CSVLogger(folder), enable_progress_bar=False,
                     enable_model_summary=False)


def fit(precision):
    L.seed_everything(0, verbose=False)
    model = Classifier()
    with tempfile.TemporaryDirectory() as folder:
        best = ModelCheckpoint(folder, monitor="validation_loss", save_last=True)
        fitted = trainer(folder, precision, 6, [best, LearningRateMonitor()])
        fitted.fit(model, *loaders())
        assert fitted.strategy.root_device.type == ("cuda" if CUDA else "cpu")
        loaded = Classifier.load_from_checkpoint(best.best_model_path)
        result = trainer(folder, precision, 1).validate(loaded, loaders()[1], verbose=False)[0]
        assert abs(result["validation_loss"] - best.best_model_score.item()) < 1e-4
        resumed = trainer(folder, precision, 8)
        resumed.fit(Classifier(), *loaders(), ckpt_path=best.last_model_path)
        assert resumed.current_epoch == 8 and resumed.global_step == 8 * 4
    assert model.validations[-1] > 0.7, model.validations
    return torch.stack(model.losses).tolist(), model.validations


def stop_early():
    L.seed_everything(0, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        stop = EarlyStopping("validation_loss", patience=1, min_delta=0.5)
        stopped = trainer(folder, "32-true", 20, [stop])
        stopped.fit(Classifier(), *loaders())
    assert 0 < stop.stopped_epoch < 6, stop.stopped_epoch
    return stop.stopped_epoch


losses, validations = fit("32-true")
assert losses[-1] < 0.6 * losses[0], losses
results = {"losses": losses, "validations": validations, "stopped": stop_early(),
           "bf16": fit("bf16-mixed")[0]}
if CUDA:
    results["fp16"] = fit("16-mixed")[0]
print(json.dumps(results))
