"""The one place where facts and reasons become text, in rooms by what is told:

``phrases``   what all share: versions, requirements, and why something does not serve
``clashes``   why there is no lock
``ways``      why there may be more ways out of a clash
``holders``   who keeps a package from its newest release
``newer``     why a package is in no newer version

Nobody reads a sentence back: who asks further asks the types that a sentence is made of.
"""
