/** Names of Socket.IO rooms. */
export const cafeRoom = (cafeId: string) => `cafe:${cafeId}`
export const userRoom = (userId: string) => `user:${userId}`
