"""The tutorial plugin: a field of one weight, the radius of a sphere, with a denoiser known in closed form."""

from hdbench.hookspecs import Offer, hookimpl

SOURCE = "hdbench tutorial; denoiser: posterior mean of a Gaussian"


@hookimpl
def hdbench_components() -> list[Offer]:
    return [
        Offer("shapes", "spheres", "hdbench_sphere.shapes:Spheres", "spheres with normally distributed radii", SOURCE),
        Offer("encoder", "radius", "hdbench_sphere.field:RadiusEncoder", "one weight per shape: its radius", SOURCE),
        Offer(
            "denoiser", "gaussian", "hdbench_sphere.denoiser:GaussianDenoiser", "exact for normally distributed weights", SOURCE
        ),
        Offer("recipe", "sphere", "hdbench_sphere.recipe:BOOK", "radius + gaussian + ddim: answers known", SOURCE),
        Offer("baseline", "resample", "hdbench_sphere.baseline:Resample", "training clouds drawn again: a memoriser", SOURCE),
    ]
