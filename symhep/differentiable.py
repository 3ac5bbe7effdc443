"""The methods of a kernel that have to do with derivatives: the functions of `symhep.derivatives` on this kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symhep.derivatives.check import DerivativeCheck
    from symhep.kernel import Kernel


class Differentiable:
    """What has derivatives. `wrt` names one argument or several; None means all that are real and not static."""

    def grad(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The gradient, as a kernel (see `symhep.grad`)."""
        from symhep.derivatives.operators import grad

        return grad(self, wrt)

    def value_and_grad(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The value and the gradient, as a kernel (see `symhep.value_and_grad`)."""
        from symhep.derivatives.operators import value_and_grad

        return value_and_grad(self, wrt)

    def value_grad_hessian(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The value, the gradient and the second derivatives, as a kernel (see `symhep.value_grad_hessian`)."""
        from symhep.derivatives.operators import value_grad_hessian

        return value_grad_hessian(self, wrt)

    def jacobian(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The derivatives of all values, as a kernel (see `symhep.jacobian`)."""
        from symhep.derivatives.operators import jacobian

        return jacobian(self, wrt)

    def hessian(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The second derivatives, as a kernel (see `symhep.hessian`)."""
        from symhep.derivatives.operators import hessian

        return hessian(self, wrt)

    def jvp(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The value and the derivative along a direction, as a kernel (see `symhep.jvp`)."""
        from symhep.derivatives.operators import jvp

        return jvp(self, wrt)

    def vjp(self, wrt: str | Sequence[str] | None = None) -> Kernel:
        """The value and the derivatives weighted with a cotangent, as a kernel (see `symhep.vjp`)."""
        from symhep.derivatives.operators import vjp

        return vjp(self, wrt)

    def sparsity(self, wrt: str | Sequence[str] | None = None, **statics: Any) -> Any:
        """Which elements of the Jacobian can be other than zero: boolean arrays in its form.

        >>> from symhep.kernel import kernel
        >>> kernel(lambda x, y: (x, x * y)).sparsity("y")
        (array(False), array(True))
        """
        from symhep.derivatives.operators import pattern

        return pattern(self, wrt, **statics)

    def check_derivatives(self, wrt: str | Sequence[str] | None = None, **options: Any) -> DerivativeCheck:
        """Compare both modes with differences in high precision (see `symhep.check_derivatives`)."""
        from symhep.derivatives.check import check_derivatives

        return check_derivatives(self, wrt, **options)
