"""Metrics of torchmetrics over values on the device, updated batch by batch."""

import json

import torch
import torchmetrics as tm
from torchmetrics.functional import pairwise_cosine_similarity

device = "cuda" if torch.cuda.is_available() else "cpu"
generator = torch.Generator().manual_seed(0)
collection = tm.MetricCollection({
    "accuracy": tm.Accuracy(task="multiclass", num_classes=5),
    "top2": tm.Accuracy(task="multiclass", num_classes=5, top_k=2),
    "precision": tm.Precision(task="multiclass", num_classes=5, average="macro"),
    "f1": tm.F1Score(task="multiclass", num_classes=5, average="weighted"),
    "auroc": tm.AUROC(task="multiclass", num_classes=5),
    "binned_auroc": tm.AUROC(task="multiclass", num_classes=5, thresholds=20),
    "average_precision": tm.AveragePrecision(task="multiclass", num_classes=5),
    "kappa": tm.CohenKappa(task="multiclass", num_classes=5),
    "matthews": tm.MatthewsCorrCoef(task="multiclass", num_classes=5),
    "calibration": tm.CalibrationError(task="multiclass", num_classes=5),
    "confusion": tm.ConfusionMatrix(task="multiclass", num_classes=5),
    "jaccard": tm.JaccardIndex(task="multiclass", num_classes=5),
}).to(device)
regression = tm.MetricCollection({
    "mse": tm.MeanSquaredError(), "mae": tm.MeanAbsoluteError(), "r2": tm.R2Score(),
    "pearson": tm.PearsonCorrCoef(), "spearman": tm.SpearmanCorrCoef(),
    "explained": tm.ExplainedVariance()}).to(device)
perplexity = tm.text.Perplexity().to(device)
mean, tracker = tm.MeanMetric().to(device), tm.MetricTracker(tm.MeanSquaredError()).to(device)
retrieval = tm.RetrievalMAP().to(device)
picture = tm.image.PeakSignalNoiseRatio(data_range=1.0).to(device)
structure = tm.image.StructuralSimilarityIndexMeasure(data_range=1.0).to(device)
for _ in range(4):
    logits = torch.randn(32, 5, generator=generator)
    target = (logits + torch.randn(32, 5, generator=generator)).argmax(1)
    collection.update(logits.softmax(1).to(device), target.to(device))
    wanted = torch.randn(32, generator=generator)
    guess = wanted + 0.3 * torch.randn(32, generator=generator)
    regression.update(guess.to(device), wanted.to(device))
    tracker.increment()
    tracker.update(guess.to(device), wanted.to(device))
    mean.update(wanted.to(device).abs())
    text = torch.randn(2, 8, 11, generator=generator)
    perplexity.update(text.to(device), torch.randint(11, (2, 8), generator=generator).to(device))
    retrieval.update(guess.to(device), (wanted > 0).to(device),
                     indexes=torch.arange(32).div(8, rounding_mode="floor").to(device))
    clean = torch.rand(2, 1, 24, 24, generator=generator)
    noisy = (clean + 0.1 * torch.randn(clean.shape, generator=generator)).clamp(0, 1)
    picture.update(noisy.to(device), clean.to(device))
    structure.update(noisy.to(device), clean.to(device))
values = {**collection.compute(), **regression.compute(), "perplexity": perplexity.compute(),
          "mean": mean.compute(), "retrieval": retrieval.compute(), "psnr": picture.compute(),
          "ssim": structure.compute()}
assert all(value.device.type == device for value in values.values())
best, when = tracker.best_metric(return_step=True)
assert 0 < best < 0.5 and 0 <= when < 4
assert int(values["confusion"].sum()) == 128
similarity = pairwise_cosine_similarity(torch.eye(4, device=device))
assert torch.equal(similarity, torch.zeros(4, 4, device=device))
collection.reset()
print(json.dumps({name: value.tolist() for name, value in values.items()}))
