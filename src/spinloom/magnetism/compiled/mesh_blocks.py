"""Copies between the arrays of a mesh and a block's buffer, inside compiled code."""

from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def copy(typing, source, start, count, target, place):  # type: ignore[no-untyped-def]
    """target[place : place + count] = source[start : start + count] for flat arrays of one type, as one memcpy.

    A loop would check indices and aliases, a function would count references: either costs more than the copy.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        read, begin, items, written, at = arguments
        kinds = signature.args
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kinds[0].dtype)))
        first, number, into = (
            context.cast(builder, value, kind, types.intp)
            for value, kind in ((begin, kinds[1]), (items, kinds[2]), (at, kinds[4]))
        )
        from_array = context.make_array(kinds[0])(context, builder, read)
        to_array = context.make_array(kinds[3])(context, builder, written)
        cgutils.raw_memcpy(
            builder, builder.gep(to_array.data, [into]), builder.gep(from_array.data, [first]), number, size
        )
        return context.get_dummy_value()

    return types.void(source, start, count, target, place), generate
