/* SPDX-License-Identifier: BSD-2-Clause */
/* ICC_* registers of the GICv3 CPU interface (Arm IHI 0069, 12.2). */
#ifndef NATIVE_GIC_H
#define NATIVE_GIC_H

#include <native/sysreg.h>

/* Group 1, all priorities, end of interrupt also deactivates. False: firmware keeps the register interface shut. */
static inline bool gic_cpu_enable(void)
{
	u64 sre = sysreg_read(S3_0_C12_C12_5);		/* ICC_SRE_EL1 */

	sysreg_write(S3_0_C12_C12_5, sre | 1);
	isb();
	if (!(sysreg_read(S3_0_C12_C12_5) & 1))
		return false;
	sysreg_write(S3_0_C4_C6_0, 0xf0);		/* ICC_PMR_EL1 */
	sysreg_write(S3_0_C12_C12_3, 0);		/* ICC_BPR1_EL1 */
	sysreg_write(S3_0_C12_C12_4, 0);		/* ICC_CTLR_EL1 */
	isb();
	sysreg_write(S3_0_C12_C12_7, 1);		/* ICC_IGRPEN1_EL1 */
	isb();
	return true;
}
/* Acknowledges; 1020 and above: nothing. The dsb keeps the handler's accesses behind it (8.2.3). */
static inline u32 gic_cpu_acknowledge(void)
{
	u32 id = (u32)sysreg_read(S3_0_C12_C12_0);	/* ICC_IAR1_EL1 */

	dsb(sy);
	return id;
}
static inline void gic_cpu_end(u32 id)
{
	sysreg_write(S3_0_C12_C12_1, id);		/* ICC_EOIR1_EL1 */
	isb();
}
/* Memory written before is seen by the CPU that takes the interrupt. */
static inline void gic_cpu_send(u64 value)
{
	dsb(ishst);
	sysreg_write(S3_0_C12_C11_5, value);		/* ICC_SGI1R_EL1 */
	isb();
}

#endif
