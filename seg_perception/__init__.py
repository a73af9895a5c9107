from pkgutil import extend_path

# A source tree and the built package (which alone holds the generated `msg`) act as one, so that
# `python3 -m seg_perception` and pytest run the sources of the folder they are started in.
__path__ = extend_path(__path__, __name__)
