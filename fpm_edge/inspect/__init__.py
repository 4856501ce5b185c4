"""Why a bundle is as it is: layer by layer, sensitivity, heatmaps. Changes nothing."""
